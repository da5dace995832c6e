-- title: JSON application log of bunyan (Node.js)
-- dataset: app_log
-- detect: ^\s*\{.*"v"\s*:\s*\d
-- priority: 54
-- sample: {"name":"shop","hostname":"web-1","pid":42,"level":50,"err":{"message":"card declined","name":"PayError","stack":"PayError: card declined\n    at pay (/app/pay.js:7:9)"},"msg":"payment failed","time":"2026-11-22T13:04:05.123Z","v":0}
-- limits: nested values but err are kept as JSON text
WITH mended AS (
    SELECT origin, raw, json_mended(raw) AS text FROM records
), parsed AS (
    SELECT origin, raw, text <> raw AS is_mended, CASE WHEN json_is_object(text) THEN json_entries(text) END AS entries FROM mended
), found AS (
    SELECT *,
        json_field(entries, ['time']) AS time_field,
        json_field(entries, ['level']) AS level_field,
        json_field(entries, ['msg']) AS message_field,
        json_field(entries, ['name']) AS logger_field,
        json_field(entries, ['err']) AS error_field,
        json_field(entries, ['pid']) AS pid_field,
        json_field(entries, ['hostname']) AS host_field,
        json_field(entries, ['v']) AS version_field,
        structured_trace_id(entries) AS trace_field,
        structured_span_id(entries) AS span_field
    FROM parsed
), clocked AS (
    SELECT *, iso_parts(time_field.value) AS clock FROM found
), timed AS (
    SELECT *, structured_moment(time_field.value, clock) AS m, structured_error(error_field.value) AS failure FROM clocked
)
SELECT
    origin, raw,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"name":"shop","hostname":"web-1","pid":42,"level":30,"msg":…} on one line'
         WHEN time_field IS NULL THEN 'time: no such field; expected a time such as 2026-11-22T13:04:05.123Z'
         WHEN m.time IS NULL THEN 'time: ' || left(time_field.value, 60) || ' is not a time; expected a time such as 2026-11-22T13:04:05.123Z'
         WHEN version_field IS NULL THEN 'v: no such field; expected the version of the format, 0'
         WHEN level_field IS NULL THEN 'level: no such field; expected a number such as 30'
         WHEN NOT regexp_full_match(level_field.value, '\d{1,3}') THEN 'level: ' || left(level_field.value, 60) || ' is not a number; expected one such as 30'
         WHEN logger_field IS NULL THEN 'name: no such field; expected the name of the logger'
    END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN is_mended OR host_field IS NULL OR try_cast(pid_field.value AS BIGINT) IS NULL THEN 'partial' ELSE 'ok' END AS parse_status,
    host_field.value AS host_name,
    structured_node_level(level_field.value) AS severity_text,
    structured_node_severity(level_field.value) AS severity_number,
    logger_field.value AS logger_name,
    try_cast(pid_field.value AS BIGINT) AS process_pid,
    nullif(message_field.value, '') AS body,
    failure.type AS exception_type,
    failure.message AS exception_message,
    failure.stack AS exception_stacktrace,
    trace_field.value AS trace_id,
    span_field.value AS span_id,
    attributes_of(list_concat(
        structured_rest(entries, ['time', 'level', 'name', 'hostname', message_field.key, error_field.key,
                                  CASE WHEN try_cast(pid_field.value AS BIGINT) IS NOT NULL THEN 'pid' END, trace_field.key, span_field.key]),
        [{'key': 'err', 'value': failure.rest}])) AS attributes
FROM timed
