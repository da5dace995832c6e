-- title: JSON application log of pino (Node.js)
-- dataset: app_log
-- detect: ^\s*\{.*"level"\s*:.*"time"\s*:
-- priority: 53
-- sample: {"level":50,"time":1795352645123,"pid":42,"hostname":"web-1","msg":"payment failed","err":{"type":"PayError","message":"card declined","stack":"PayError: card declined\n    at pay (/app/pay.js:7:9)"}}
-- limits: level is a number or a name, time an epoch or ISO 8601; nested values but err are kept as JSON text
WITH mended AS (
    SELECT origin, raw, json_mended(raw) AS text FROM records
), parsed AS (
    SELECT origin, raw, text <> raw AS is_mended, CASE WHEN json_is_object(text) THEN json_entries(text) END AS entries FROM mended
), found AS (
    SELECT *,
        json_field(entries, ['time']) AS time_field,
        json_field(entries, ['level']) AS level_field,
        json_field(entries, ['msg', 'message']) AS message_field,
        json_field(entries, ['name']) AS logger_field,
        json_field(entries, ['err', 'error']) AS error_field,
        json_field(entries, ['pid']) AS pid_field,
        json_field(entries, ['hostname']) AS host_field,
        json_field(entries, ['service.name', 'service_name']) AS service_field,
        structured_trace_id(entries) AS trace_field,
        structured_span_id(entries) AS span_field
    FROM parsed
), clocked AS (
    SELECT *, iso_parts(time_field.value) AS clock FROM found
), timed AS (
    SELECT *, structured_moment(time_field.value, clock) AS m, structured_error(error_field.value) AS failure,
        regexp_full_match(level_field.value, '\d{1,3}') AS is_number
    FROM clocked
)
SELECT
    origin, raw,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"level":30,"time":1795352645123,"pid":42,…} on one line'
         WHEN time_field IS NULL AND origin.wrapper_time IS NULL THEN 'time: no such field; expected an epoch in milliseconds such as 1795352645123'
         WHEN m.time IS NULL AND time_field IS NOT NULL THEN 'time: ' || left(time_field.value, 60) || ' is not a time; expected an epoch in milliseconds such as 1795352645123'
         WHEN level_field IS NULL THEN 'level: no such field; expected a number such as 30'
         WHEN NOT is_number AND (pid_field IS NULL OR host_field IS NULL) THEN 'level: ' || left(level_field.value, 60) || ' without pid and hostname; expected a number such as 30'
         WHEN message_field IS NULL AND (pid_field IS NULL OR host_field IS NULL) THEN 'msg: no such field, nor pid and hostname; expected the message'
    END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN is_mended OR (pid_field IS NOT NULL AND try_cast(pid_field.value AS BIGINT) IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    host_field.value AS host_name,
    service_field.value AS service_name,
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
        structured_rest(entries, [time_field.key, level_field.key, message_field.key, logger_field.key, error_field.key, host_field.key,
                                  service_field.key, CASE WHEN try_cast(pid_field.value AS BIGINT) IS NOT NULL THEN 'pid' END,
                                  trace_field.key, span_field.key]),
        [{'key': error_field.key, 'value': failure.rest}])) AS attributes
FROM timed
