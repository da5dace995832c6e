-- title: JSON application log of Go: zap, slog and logrus
-- dataset: app_log
-- detect: ^\s*\{.*"(?:msg|M)"\s*:
-- sample: {"level":"error","ts":1795352645.123,"logger":"shop","caller":"cart/cart.go:42","msg":"payment failed","error":"card declined","order":17}
-- limits: the message is in msg, the time in ts or time; nested values are kept as JSON text
WITH mended AS (
    SELECT origin, raw, json_mended(raw) AS text FROM records
), parsed AS (
    SELECT origin, raw, text <> raw AS is_mended, CASE WHEN json_is_object(text) THEN json_entries(text) END AS entries FROM mended
), found AS (
    SELECT *,
        json_field(entries, ['ts', 'time', 'T']) AS time_field,
        json_field(entries, ['level', 'L']) AS level_field,
        json_field(entries, ['msg', 'M']) AS message_field,
        json_field(entries, ['logger', 'N']) AS logger_field,
        json_field(entries, ['stacktrace', 'errorVerbose', 'S', 'stack']) AS stack_field,
        json_field(entries, ['error', 'err']) AS error_field,
        json_field(entries, ['caller', 'source', 'v', 'C']) AS place_field,
        structured_trace_id(entries) AS trace_field,
        structured_span_id(entries) AS span_field
    FROM parsed
), clocked AS (
    SELECT *, iso_parts(time_field.value) AS clock FROM found
), timed AS (
    SELECT *, structured_moment(time_field.value, clock) AS m, structured_error(error_field.value) AS failure,
        CASE WHEN NOT starts_with(stack_field.value, '{') THEN stack_field.value END AS stack
    FROM clocked
)
SELECT
    origin, raw,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"level":"info","ts":1795352645.123,"msg":…} on one line'
         WHEN message_field IS NULL AND NOT list_contains(list_transform(entries, lambda entry: entry.key), 'msg')
         THEN 'msg: no such field; expected the message'
         WHEN time_field IS NULL AND origin.wrapper_time IS NULL THEN 'ts: no such field; expected ts or time'
         WHEN m.time IS NULL AND time_field IS NOT NULL THEN time_field.key || ': ' || left(time_field.value, 60) || ' is not a time; expected ISO 8601 or an epoch number'
         WHEN level_field IS NULL AND place_field IS NULL THEN 'level: no such field; expected a level such as info'
         WHEN regexp_full_match(level_field.value, '-?\d+(\.\d+)?') THEN 'level: ' || level_field.value || ' is a number; expected a level such as info'
    END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN is_mended THEN 'partial' ELSE 'ok' END AS parse_status,
    level_field.value AS severity_text,
    structured_slog_severity(level_field.value) AS severity_number,
    logger_field.value AS logger_name,
    nullif(message_field.value, '') AS body,
    failure.type AS exception_type,
    failure.message AS exception_message,
    coalesce(stack, failure.stack) AS exception_stacktrace,
    trace_field.value AS trace_id,
    span_field.value AS span_id,
    attributes_of(list_concat(
        structured_rest(entries, [time_field.key, level_field.key, message_field.key, logger_field.key, error_field.key,
                                  CASE WHEN stack IS NOT NULL THEN stack_field.key END, trace_field.key, span_field.key]),
        [{'key': error_field.key, 'value': failure.rest}, {'key': 'wrong_weekday', 'value': m.wrong_weekday}])) AS attributes
FROM timed
