-- title: entries of a record as columns of the dataset that its source declares
-- Filled in: {format} a format that gives entries, a list of {key, value}; {picked} the entries of the columns, {cast} the
-- columns, {failed} whether a value is none of its column's type, {kept} the keys that failed, {taken} the keys of columns,
-- {time_names} where a time was looked for.
-- Parameters: options (time_format, untimed), zone.
WITH entered AS (
    {format}
), found AS (
    SELECT *, {picked} FROM entered
), picked AS (
    SELECT *, dash_null(entry_event_time.value) AS picked_event_time FROM found
), timed AS (
    SELECT *, CASE WHEN getvariable('options')['time_format'] IS NULL THEN moment(picked_event_time)
                   ELSE moment_as(picked_event_time, getvariable('options')['time_format'], getvariable('zone')) END AS declared_moment
    FROM picked
)
SELECT
    origin, raw,
    CASE WHEN reject_reason IS NOT NULL THEN reject_reason
         WHEN picked_event_time IS NULL AND origin.wrapper_time IS NULL AND getvariable('options')['untimed'] IS DISTINCT FROM 'landing'
         THEN 'event_time: no such field; expected ' || {time_names}
         WHEN picked_event_time IS NOT NULL AND declared_moment.time IS NULL
         THEN 'event_time: ' || left(picked_event_time, 60) || ' is not a time; expected '
              || coalesce('the form ' || (getvariable('options')['time_format']), 'ISO 8601, an epoch number or another usual form') END AS reject_reason,
    CASE WHEN picked_event_time IS NULL AND origin.wrapper_time IS NULL AND getvariable('options')['untimed'] = 'landing'
         THEN getvariable('landing')::TIMESTAMP ELSE declared_moment.time END AS event_time,
    CASE WHEN picked_event_time IS NULL AND origin.wrapper_time IS NULL THEN 'landing_hour' ELSE declared_moment.basis END AS time_basis,
    ignored,
    CASE WHEN {failed} THEN 'partial' ELSE 'ok' END AS parse_status,
    {cast},
    attributes_of(list_filter(entries, lambda entry: dash_null(entry.value) IS NOT NULL
        AND (NOT list_contains({taken}, entry.key) OR list_contains({kept}, entry.key)))) AS attributes
FROM timed
