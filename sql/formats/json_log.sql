-- title: JSON application log: any objects with a time, a level and a message under usual names
-- dataset: app_log
-- detect: (?i)^\s*\{.*"(?:level|severity|lvl|log_?level|log\.level|level_?name|severity_?text|@t|__realtime_timestamp)"\s*:
-- priority: 15
-- sample: {"timestamp":"2026-11-22T13:04:05.123Z","severity":"ERROR","logger":"shop","message":"payment failed","order":17}
-- limits: names of fields in any case; the export of journald, GELF, Serilog, Windows event logs and Google Cloud among them; members of fields, @fields and jsonPayload count as if they stood beside them; other nested values are kept as JSON text
WITH mended AS (
    SELECT origin, raw, json_mended(raw) AS text FROM records
), parsed AS (
    SELECT origin, raw, text <> raw AS is_mended, CASE WHEN json_is_object(text) THEN json_entries(text) END AS outer_entries FROM mended
), opened AS (
    SELECT *, list_filter(outer_entries, lambda entry: entry.key IN ('fields', '@fields', 'jsonPayload')
        AND starts_with(entry.value, '{') AND json_valid(entry.value))[1] AS box
    FROM parsed
), joined AS (
    SELECT *, CASE WHEN box IS NULL THEN outer_entries
        ELSE list_concat(list_filter(outer_entries, lambda entry: entry.key <> box.key), json_entries(box.value)) END AS entries
    FROM opened
), found AS (
    SELECT *,
        structured_field(entries, ['@timestamp', 'timestamp', 'time', 'ts', '@t', 'datetime', 'asctime', 'eventtime', 'event_time', 'timemillis',
            'instant', 'time_iso8601', 'timecreated', 'created_at', 'date', '__realtime_timestamp', 't']) AS time_field,
        structured_field(entries, ['levelname', 'level_name', 'severitytext', 'severity_text', 'level', 'severity', 'lvl', 'loglevel', 'log_level',
            'log.level', '@l', 'priority']) AS level_field,
        structured_field(entries, ['message', 'msg', '@m', 'renderedmessage', 'short_message', 'textpayload', '@mt', 'messagetemplate', 'body',
            'event', 'text', 'log']) AS message_field,
        structured_field(entries, ['logger', 'logger_name', 'loggername', 'log.logger', 'sourcecontext', 'channel', 'target', 'category', 'name']) AS logger_field,
        structured_field(entries, ['thread', 'thread_name', 'threadname', 'process.thread.name']) AS thread_field,
        structured_field(entries, ['pid', 'process', 'process_id', 'processid', 'process.pid', '_pid']) AS pid_field,
        structured_field(entries, ['hostname', 'host_name', 'host.name', 'host', 'machinename', '_hostname']) AS host_field,
        structured_field(entries, ['service', 'service_name', 'service.name', 'application', 'appname', 'syslog_identifier']) AS service_field,
        structured_field(entries, ['stack_trace', 'stacktrace', 'error.stack_trace', 'exception.stacktrace', 'exc_info', 'exc_text', 'traceback', 'stack', '@x']) AS stack_field,
        structured_field(entries, ['exception', 'err', 'error', 'thrown']) AS error_field,
        structured_field(entries, ['exception_type', 'exception.type', 'error.type', 'exception_class', 'exc_type']) AS type_field,
        structured_trace_id(entries) AS trace_field,
        structured_span_id(entries) AS span_field
    FROM joined
), clocked AS (
    SELECT *, CASE WHEN starts_with(time_field.value, '{')
        THEN regexp_extract(time_field.value, '"(?:epochSecond|seconds)":"?(\d{1,12})', 1) || '.'
             || lpad(regexp_extract(time_field.value, '"(?:nanoOfSecond|nanos)":(\d{1,9})', 1), 9, '0')
        ELSE time_field.value END AS time_text
    FROM found
), parted AS (
    SELECT *, iso_parts(time_text) AS clock FROM clocked
), named AS (
    SELECT *,
        structured_moment(time_text, clock) AS m,
        coalesce(lower(level_field.key) IN ('levelname', 'level_name'), false) AS is_python,
        lower(message_field.key) NOT IN ('body', 'event', 'text', 'log') AS is_message,
        regexp_full_match(level_field.value, '\d{1,5}') AS is_number,
        coalesce(time_field.key = '@t', false) AS is_clef,
        -- Serilog's properties and Monolog's context
        TRY(json_extract_string((structured_field(entries, ['properties'])).value, '$.SourceContext')) AS source_context,
        CASE WHEN error_field IS NULL THEN TRY(json_extract_string((structured_field(entries, ['context'])).value, ['$.exception.class', '$.exception.message', '$.exception.trace'])) END AS thrown,
        list_contains(list_transform(entries, lambda entry: entry.key), 'EventID') AS is_windows,
        list_contains(list_transform(entries, lambda entry: entry.key), 'short_message') AS is_gelf,
        list_contains(list_transform(entries, lambda entry: entry.key), '__REALTIME_TIMESTAMP') AS is_journald
    FROM parted
), judged AS (
    SELECT *,
        CASE WHEN lower(logger_field.key) = 'name' AND NOT is_python THEN NULL ELSE logger_field END AS logger,
        CASE WHEN starts_with(host_field.value, '{') THEN NULL ELSE host_field END AS host,
        CASE WHEN starts_with(service_field.value, '{') THEN NULL ELSE service_field END AS service,
        CASE WHEN starts_with(thread_field.value, '{') THEN NULL ELSE thread_field END AS thread,
        CASE WHEN regexp_full_match(pid_field.value, '\d{1,18}') THEN pid_field END AS pid,
        CASE WHEN starts_with(stack_field.value, '{') THEN NULL ELSE stack_field END AS stack,
        CASE WHEN stack_field.key IS NULL AND contains(error_field.value, chr(10)) THEN {'key': error_field.key, 'value': error_field.value} END AS trace_in_error,
        CASE WHEN contains(error_field.value, chr(10)) AND NOT starts_with(error_field.value, '{') THEN NULL ELSE structured_error(error_field.value) END AS failure,
        severity_number_of(level_field.value) IS NOT NULL OR structured_slog_severity(level_field.value) IS NOT NULL AS is_level
    FROM named
), texted AS (
    SELECT *, coalesce(structured_lines(stack.value), CASE WHEN NOT starts_with(trace_in_error.value, '{') THEN trace_in_error.value END,
                       structured_lines(failure.stack)) AS trace
    FROM judged
)
SELECT
    origin, raw,
    CASE WHEN outer_entries IS NULL THEN 'line: not a JSON object; expected {"timestamp":"2026-11-22T13:04:05.123Z","level":"INFO","message":…} on one line'
         WHEN time_field IS NULL AND origin.wrapper_time IS NULL THEN 'timestamp: no such field; expected a time such as 2026-11-22T13:04:05.123Z'
         WHEN m.time IS NULL AND time_field IS NOT NULL THEN time_field.key || ': ' || left(time_field.value, 60) || ' is not a time; expected ISO 8601 or an epoch number'
         WHEN message_field IS NULL AND failure.message IS NULL AND trace IS NULL THEN 'message: no such field; expected the message'
         WHEN is_clef OR (is_journald AND level_field IS NULL) THEN NULL
         WHEN level_field IS NULL OR (lower(level_field.key) = 'priority' AND NOT is_journald) THEN 'level: no such field; expected a level such as INFO'
         WHEN NOT is_level AND NOT (is_message AND length(level_field.value) <= 20)
         THEN level_field.key || ': ' || left(level_field.value, 60) || ' is not a level; expected one such as INFO'
    END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN is_mended THEN 'partial' ELSE 'ok' END AS parse_status,
    host.value AS host_name,
    service.value AS service_name,
    CASE WHEN level_field IS NULL AND is_clef THEN 'Information'
         WHEN (is_gelf OR is_journald) AND regexp_full_match(level_field.value, '[0-7]')
         THEN ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'][level_field.value::INTEGER + 1]
         WHEN is_windows AND regexp_full_match(level_field.value, '[0-5]')
         THEN ['LogAlways', 'Critical', 'Error', 'Warning', 'Information', 'Verbose'][level_field.value::INTEGER + 1]
         ELSE level_field.value END AS severity_text,
    CASE WHEN is_windows AND level_field.value = '0' THEN 9 ELSE structured_slog_severity(level_field.value) END::TINYINT AS severity_number,
    coalesce(logger.value, source_context) AS logger_name,
    thread.value AS thread_name,
    pid.value::BIGINT AS process_pid,
    coalesce(message_field.value, failure.message) AS body,
    coalesce(type_field.value, failure.type, thrown[1]) AS exception_type,
    coalesce(failure.message, CASE WHEN thrown[1] IS NOT NULL THEN thrown[2] END) AS exception_message,
    coalesce(trace, CASE WHEN thrown[1] IS NOT NULL THEN structured_lines(thrown[3]) END) AS exception_stacktrace,
    regexp_replace(trace_field.value, '^projects/[^/]+/traces/', '') AS trace_id,
    span_field.value AS span_id,
    attributes_of(list_concat(
        structured_rest(entries, [time_field.key, level_field.key, message_field.key, logger.key, thread.key, pid.key, host.key, service.key,
                                  stack.key, type_field.key, error_field.key, trace_field.key, span_field.key]),
        [{'key': error_field.key, 'value': CASE WHEN failure IS NOT NULL THEN failure.rest WHEN stack.key IS NOT NULL THEN error_field.value END},
         {'key': 'wrong_weekday', 'value': m.wrong_weekday}])) AS attributes
FROM texted
