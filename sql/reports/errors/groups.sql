-- title: Error groups
-- note: A message of severity ERROR or above, or with an exception, is an error. Those of the same class, top frames and message template are one group.
-- reads: metrics_error_hourly, history_error_hourly, history_severity_hourly
WITH asked AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first_hour, getvariable('last_hour')::TIMESTAMP AS last_hour
), axis AS (
    SELECT unnest(generate_series(date_trunc(error_step(first_hour, last_hour), first_hour), last_hour,
        ('1 ' || error_step(first_hour, last_hour))::INTERVAL)) AS moment FROM asked
), counted AS (
    SELECT source_name, service_name, error_fingerprint, date_trunc(error_step(first_hour, last_hour), hour_start) AS moment, sum(errors)::BIGINT AS errors
    FROM metrics_error_hourly, asked GROUP BY ALL
), groups AS (
    SELECT * FROM error_groups('history_error_hourly', 'history_severity_hourly', getvariable('first_hour'), getvariable('last_hour'))
), trends AS (
    SELECT groups.source_name, groups.service_name, groups.error_fingerprint, list(coalesce(counted.errors, 0) ORDER BY moment) AS trend
    FROM groups CROSS JOIN axis
    LEFT JOIN counted USING (source_name, service_name, error_fingerprint, moment) GROUP BY ALL
)
SELECT coalesce(nullif(error_words(exception_type, message_template), ''), '(no message)') AS error, state,
    source_name, service_name, error_fingerprint, exception_type, message_template, logger_name, severity_number,
    errors, span_errors, usual_errors, weeks, first_seen, last_seen, silent_since, hosts, error_hosts(hosts) AS hosts_shown,
    trend, error_step(first_hour, last_hour) AS step,
    sample_event_id, sample_source_uri, sample_source_line, sample_body, sample_stack,
    error_rows_command(source_name, service_name, error_fingerprint, first_hour, last_hour) AS rows_command,
    'etl trace ' || regexp_replace(sample_event_id, '[^\w.-]', '', 'g') AS trace_command
FROM groups JOIN trends USING (source_name, service_name, error_fingerprint), asked
ORDER BY list_position(['new', 'regressed', 'escalating', 'known'], state), errors DESC, source_name, service_name, error_fingerprint
