-- title: JSON lines whose fields a source declares to be columns of a dataset
-- dataset: declared
-- detect: never
-- options: time_format: strptime form of the time, or epoch, epoch_ms, epoch_us, epoch_ns; untimed: landing gives lines without a time the landing hour
-- sample: {"event_time":"2026-11-22T13:04:05.123Z","severity_text":"ERROR","body":"payment 42 failed"}
-- limits: fields may name a nested value with dots (user.name); nested values without a column are kept as JSON text
WITH mended AS (
    SELECT origin, raw, json_mended(raw) AS text FROM records
), valid AS (
    SELECT origin, raw, json_is_object(text) AS fits, CASE WHEN json_is_object(text) THEN text ELSE '{}' END AS text FROM mended
)
SELECT origin, raw,
    CASE WHEN NOT fits THEN 'line: not a JSON object; expected {"field": value, …} on one line' END AS reject_reason,
    false AS ignored,
    CASE WHEN fits THEN list_concat(json_entries(text), list_transform(
        list_filter(map_values(getvariable('fields')), lambda name: contains(name, '.')),
        lambda name: {'key': name, 'value': text ->> ('$.' || name)})) END AS entries
FROM valid
