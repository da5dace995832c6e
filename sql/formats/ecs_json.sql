-- title: JSON application log in the Elastic Common Schema, of Elasticsearch 7 and 8, and of Kibana
-- dataset: app_log
-- detect: ^\s*\{.*"(?:@timestamp"\s*:.*"(?:ecs|ecs\.version|log\.level|log|tags|message)"|cluster\.name"|component")\s*:
-- priority: 54
-- continues: ^\s*"
-- sample: {"@timestamp":"2026-11-22T13:04:05.123Z","log.level":"ERROR","message":"payment failed","ecs.version":"1.2.0","service.name":"shop","process.thread.name":"main","log.logger":"com.example.Pay","error.type":"java.io.IOException","error.message":"closed","error.stack_trace":"java.io.IOException: closed\n\tat com.example.Pay.charge(Pay.java:7)"}
-- limits: fields may be dotted or nested; what stays of nested objects is kept as JSON text; audit logs without a message are not read; lines that begin with a quote belong to the object before them, as Elasticsearch 7 writes stack traces
WITH mended AS (
    SELECT origin, raw, json_mended(raw) AS text FROM records
), parsed AS (
    SELECT *, text <> raw AS is_mended, CASE WHEN json_is_object(text) THEN json_entries(text) END AS entries FROM mended
), nested AS (
    SELECT *, CASE WHEN entries IS NOT NULL THEN json_extract_string(text, ['$.log.level', '$.log.logger', '$.process.thread.name', '$.process.pid',
        '$.service.name', '$.host.name', '$.host.hostname', '$.error.type', '$.error.message', '$.error.stack_trace', '$.trace.id',
        '$.span.id', '$.ecs.version', '$.error.name', '$.error.stack']) END AS n
    FROM parsed
), found AS (
    SELECT *,
        json_field(entries, ['@timestamp', 'timestamp']) AS time_field,
        json_field(entries, ['log.level', 'level']) AS level_field,
        json_field(entries, ['message']) AS message_field,
        json_field(entries, ['log.logger', 'component']) AS logger_field,
        json_field(entries, ['process.thread.name']) AS thread_field,
        json_field(entries, ['process.pid', 'pid']) AS pid_field,
        json_field(entries, ['service.name']) AS service_field,
        json_field(entries, ['host.name', 'host.hostname']) AS host_field,
        json_field(entries, ['error.type', 'exception.type']) AS type_field,
        json_field(entries, ['error.message']) AS error_field,
        json_field(entries, ['error.stack_trace', 'stacktrace']) AS stack_field,
        json_field(entries, ['trace.id']) AS trace_field,
        json_field(entries, ['span.id']) AS span_field,
        json_field(entries, ['ecs.version']) AS version_field,
        json_field(entries, ['tags']) AS tags_field,
        json_field(entries, ['type']) AS kind_field,
        json_field(entries, ['cluster.name', 'node.name', 'cluster.uuid', 'node.id']) AS cluster_field
    FROM nested
), clocked AS (
    SELECT *, iso_parts(time_field.value) AS clock FROM found
), judged AS (
    SELECT *, structured_moment(time_field.value, clock) AS m,
        coalesce(nullif(n[1], ''), level_field.value, CASE WHEN pid_field IS NOT NULL
            THEN nullif(regexp_extract(tags_field.value, '"(trace|debug|info|warning|warn|error|fatal)"', 1), '') END) AS level,
        coalesce(pid_field.value, n[4]) AS pid,
        coalesce(structured_lines(stack_field.value), structured_lines(n[10]), n[15]) AS stack,
        coalesce(version_field IS NOT NULL OR n[13] IS NOT NULL OR n[1] IS NOT NULL OR coalesce(level_field.key = 'log.level', false)
            OR (kind_field IS NOT NULL AND cluster_field IS NOT NULL AND (level_field IS NOT NULL OR logger_field IS NOT NULL))
            OR (kind_field IS NOT NULL AND time_field.key = '@timestamp' AND starts_with(tags_field.value, '[') AND pid_field IS NOT NULL), false) AS is_known
    FROM clocked
)
SELECT
    origin, raw,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"@timestamp":"2026-11-22T13:04:05.123Z","log.level":"INFO","message":…} on one line'
         WHEN time_field IS NULL AND origin.wrapper_time IS NULL THEN '@timestamp: no such field; expected a time such as 2026-11-22T13:04:05.123Z'
         WHEN m.time IS NULL AND time_field IS NOT NULL THEN time_field.key || ': ' || left(time_field.value, 60) || ' is not a time; expected one such as 2026-11-22T13:04:05.123Z'
         WHEN NOT is_known THEN 'log.level: no such field, nor ecs.version; expected the level'
         WHEN message_field IS NULL AND stack IS NULL AND n[9] IS NULL AND error_field IS NULL THEN 'message: no such field; expected the message'
    END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN is_mended OR (pid IS NOT NULL AND try_cast(pid AS BIGINT) IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    coalesce(host_field.value, nullif(n[6], ''), nullif(n[7], '')) AS host_name,
    coalesce(service_field.value, nullif(n[5], '')) AS service_name,
    level AS severity_text,
    coalesce(logger_field.value, nullif(n[2], '')) AS logger_name,
    coalesce(thread_field.value, nullif(n[3], '')) AS thread_name,
    try_cast(pid AS BIGINT) AS process_pid,
    coalesce(nullif(message_field.value, ''), error_field.value, n[9]) AS body,
    coalesce(type_field.value, nullif(n[8], ''), nullif(n[14], '')) AS exception_type,
    coalesce(error_field.value, nullif(n[9], '')) AS exception_message,
    stack AS exception_stacktrace,
    coalesce(trace_field.value, nullif(n[11], '')) AS trace_id,
    coalesce(span_field.value, nullif(n[12], '')) AS span_id,
    attributes_of(list_transform(
        structured_rest(entries, [time_field.key, level_field.key, message_field.key, logger_field.key, thread_field.key, service_field.key,
            host_field.key, type_field.key, error_field.key, stack_field.key, trace_field.key, span_field.key,
            CASE WHEN try_cast(pid AS BIGINT) IS NOT NULL THEN pid_field.key END]),
        lambda entry: {'key': entry.key, 'value': CASE
            WHEN NOT starts_with(entry.value, '{') OR NOT json_valid(entry.value) THEN entry.value
            WHEN entry.key = 'log' THEN nullif(json_merge_patch(entry.value, '{"level":null,"logger":null}')::VARCHAR, '{}')
            WHEN entry.key = 'process' AND pid IS NOT NULL AND try_cast(pid AS BIGINT) IS NULL THEN entry.value
            WHEN entry.key = 'process' AND n[3] IS NOT NULL
            THEN nullif(replace(json_merge_patch(entry.value, '{"pid":null,"thread":{"name":null}}')::VARCHAR, '"thread":{}', '"thread":null'), '{"thread":null}')
            WHEN entry.key = 'process' THEN nullif(json_merge_patch(entry.value, '{"pid":null}')::VARCHAR, '{}')
            WHEN entry.key = 'service' THEN nullif(json_merge_patch(entry.value, '{"name":null}')::VARCHAR, '{}')
            WHEN entry.key = 'host' AND n[6] IS NOT NULL THEN nullif(json_merge_patch(entry.value, '{"name":null}')::VARCHAR, '{}')
            WHEN entry.key = 'host' THEN nullif(json_merge_patch(entry.value, '{"hostname":null}')::VARCHAR, '{}')
            WHEN entry.key = 'error' THEN nullif(json_merge_patch(entry.value, '{"type":null,"name":null,"message":null,"stack_trace":null,"stack":null}')::VARCHAR, '{}')
            WHEN entry.key IN ('trace', 'span') THEN nullif(json_merge_patch(entry.value, '{"id":null}')::VARCHAR, '{}')
            ELSE entry.value END})) AS attributes
FROM judged
