-- title: errors that were never seen before
-- severity: warning
-- reads: history_error_hourly, history_severity_hourly
-- resolved: not seen for 24 hours, or known for a week by now
SELECT service_name || '/' || error_fingerprint AS key,
    'New error in ' || service_name || ': ' || error_words(exception_type, message_template) AS headline,
    errors_seen(errors, first_seen, last_seen, hosts) || ', never before since ' || strftime(history_start, '%Y-%m-%d') AS detail,
    error_rows_command(source_name, service_name, error_fingerprint, date_trunc('hour', first_seen), getvariable('landing_hour')) AS check_sql
FROM error_groups('history_error_hourly', 'history_severity_hourly',
    getvariable('landing_hour') - INTERVAL 167 HOUR, getvariable('landing_hour'))
WHERE state = 'new' AND last_seen >= getvariable('landing_hour') - INTERVAL 23 HOUR
