-- title: errors by fingerprint, with template, hosts and one sample
-- dataset: app_log
-- grain: hour_start, source_name, service_name, error_fingerprint
-- the sample is the first of the hour; hosts of several hours merge by list_distinct
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, error_fingerprint,
    count(*)::BIGINT AS errors,
    arg_min(message_template, (event_time, event_id)) AS message_template,
    arg_min(exception_type, (event_time, event_id)) AS exception_type,
    arg_min(logger_name, (event_time, event_id)) AS logger_name,
    max(severity_number) AS severity_number,
    min(event_time) AS first_seen,
    max(event_time) AS last_seen,
    coalesce(list(DISTINCT host_name ORDER BY host_name) FILTER (host_name IS NOT NULL), []) AS hosts,
    arg_min(event_id, (event_time, event_id)) AS sample_event_id,
    arg_min(source_uri, (event_time, event_id)) AS sample_source_uri,
    arg_min(source_line, (event_time, event_id)) AS sample_source_line,
    left(arg_min_null(body, (event_time, event_id)), 500) AS sample_body,
    stack_top(arg_min_null(exception_stacktrace, (event_time, event_id))) AS sample_stack
FROM events WHERE error_fingerprint IS NOT NULL GROUP BY ALL
