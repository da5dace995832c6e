-- title: JSON lines: declared fields become columns, the rest attributes
-- dataset: json_event
-- detect: ^\s*\{
-- priority: 10
-- options: untimed: landing gives objects without a time the landing hour
-- sample: {"ts":"2026-11-22T13:04:05.123Z","event":"login","user_id":9007199254740993,"device":{"os":"ios"}}
-- limits: nested values are kept as JSON text; fields are declared in [sources.<name>.fields], else the usual names are tried
WITH mended AS (
    SELECT origin, raw, json_mended(raw) AS text FROM records
), parsed AS (
    SELECT origin, raw, text <> raw AS is_mended, CASE WHEN json_is_object(text) THEN json_entries(text) END AS entries FROM mended
), found AS (
    SELECT *,
        json_field(entries, json_event_fields('event_time')) AS event_field,
        json_field(entries, json_event_fields('event_name')) AS name_field,
        json_field(entries, json_event_fields('user_id')) AS user_field,
        json_field(entries, json_event_fields('session_id')) AS session_field,
        json_field(entries, json_event_fields('app_id')) AS app_field,
        json_field(entries, json_event_fields('published_time')) AS published_field
    FROM parsed
), timed AS (
    SELECT *, iso_parts(event_field.value) AS event_parts, iso_parts(published_field.value) AS published_parts FROM found
), dated AS (
    SELECT *,
        CASE WHEN event_parts.date = '' THEN structured_moment(event_field.value, event_parts) END AS m,
        iso_time(event_parts, getvariable('zone')) AS iso,
        event_field IS NULL AND getvariable('options')['untimed'] IS NOT DISTINCT FROM 'landing' AS is_untimed,
        coalesce(epoch_time(published_field.value), iso_time(published_parts, getvariable('zone'))) AS published_time
    FROM timed
), placed AS (
    SELECT *, CASE WHEN is_untimed THEN getvariable('landing')::TIMESTAMP ELSE coalesce(iso, m.time) END AS event_time FROM dated
)
SELECT
    origin, raw,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"field": value, …} on one line'
         WHEN event_field IS NULL AND NOT is_untimed AND origin.wrapper_time IS NULL THEN 'event_time: no such field; expected one of ' || array_to_string(json_event_fields('event_time'), ', ')
         WHEN event_time IS NULL AND event_field IS NOT NULL THEN 'event_time: ' || coalesce(left(event_field.value, 60), 'null') || ' is not a time; expected ISO 8601 or an epoch number'
    END AS reject_reason,
    event_time,
    CASE WHEN is_untimed THEN 'landing_hour' WHEN m.time IS NOT NULL THEN m.basis ELSE iso_basis(event_parts, getvariable('zone')) END AS time_basis,
    CASE WHEN is_mended OR (published_field.value IS NOT NULL AND published_time IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    name_field.value AS event_name,
    user_field.value AS user_id,
    session_field.value AS session_id,
    app_field.value AS app_id,
    published_time,
    attributes_of(list_filter(entries, lambda entry: entry.value IS NOT NULL AND NOT list_contains(
        [event_field.key, name_field.key, user_field.key, session_field.key, app_field.key,
         CASE WHEN published_time IS NOT NULL THEN published_field.key END], entry.key))) AS attributes
FROM placed
