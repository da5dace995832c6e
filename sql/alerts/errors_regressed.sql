-- title: errors that came back after at least 14 days
-- severity: warning
-- reads: history_error_hourly, history_severity_hourly
-- resolved: not seen for 24 hours, or back for a week by now
SELECT service_name || '/' || error_fingerprint AS key,
    'Error is back in ' || service_name || ': ' || error_words(exception_type, message_template) AS headline,
    errors_seen(errors, NULL, last_seen, hosts) || ', not seen from ' || strftime(silent_since, '%Y-%m-%d') || ' on' AS detail,
    error_rows_command(source_name, service_name, error_fingerprint, getvariable('landing_hour') - INTERVAL 167 HOUR, getvariable('landing_hour')) AS check_sql
FROM error_groups('history_error_hourly', 'history_severity_hourly',
    getvariable('landing_hour') - INTERVAL 167 HOUR, getvariable('landing_hour'))
WHERE state = 'regressed' AND last_seen >= getvariable('landing_hour') - INTERVAL 23 HOUR
