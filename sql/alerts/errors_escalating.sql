-- title: errors that are clearly more frequent than in the same hours of earlier weeks
-- severity: critical
-- reads: history_error_hourly, history_severity_hourly
-- resolved: no longer more than usual
SELECT service_name || '/' || error_fingerprint AS key,
    'Error escalates in ' || service_name || ': ' || error_words(exception_type, message_template) AS headline,
    errors_seen(errors, NULL, last_seen, hosts) || '; usually ' || error_usual(usual_errors)
        || ' in these two hours (median of ' || weeks || ' weeks)' AS detail,
    error_rows_command(source_name, service_name, error_fingerprint, getvariable('landing_hour') - INTERVAL 1 HOUR, getvariable('landing_hour')) AS check_sql
FROM error_groups('history_error_hourly', 'history_severity_hourly',
    getvariable('landing_hour') - INTERVAL 1 HOUR, getvariable('landing_hour'))
WHERE state = 'escalating'
