-- title: Errors that are new, back, or clearly more than usual
SELECT CASE state WHEN 'escalating' THEN 'bad' ELSE 'warn' END AS level, groups.errors AS rank,
    CASE state WHEN 'new' THEN 'New error' WHEN 'regressed' THEN 'An error is back' ELSE 'An error escalates' END
        || ': ' || coalesce(nullif(error_words(exception_type, message_template), ''), '(no message)') AS headline,
    CASE state WHEN 'escalating' THEN plural(span_errors, 'time') || CASE WHEN span_errors < groups.errors THEN ' in the last seven days' ELSE '' END
         ELSE plural(groups.errors, 'time') END AS number,
    CASE state
        WHEN 'new' THEN 'First seen ' || human_hour(first_seen) || '; never before in the logs since ' || strftime(history_start, '%Y-%m-%d')
        WHEN 'regressed' THEN 'Before that last seen ' || human_hour(silent_since)
        ELSE CASE WHEN usual_errors > 0 THEN human_times(span_errors, usual_errors) || ' the usual ' || error_usual(usual_errors)
                  ELSE 'Usually it does not occur' END || ' (median of the same hours of ' || plural(weeks, 'week') || ')' END AS baseline,
    'Service ' || service_name || CASE WHEN len(hosts) > 0 THEN ' on ' || error_hosts(hosts) ELSE ', whose logs name no host' END AS who,
    'SELECT hour_start, errors, hosts, message_template FROM metrics_error_hourly WHERE source_name = ' || sql_text(source_name)
        || ' AND service_name = ' || sql_text(service_name) || ' AND error_fingerprint = ' || sql_text(error_fingerprint) || ' AND '
        || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' ORDER BY hour_start' AS check_sql
FROM report.groups JOIN report.services USING (source_name, service_name)
WHERE state <> 'known'
ORDER BY list_position(['escalating', 'new', 'regressed'], state), groups.errors DESC, source_name, service_name, error_fingerprint LIMIT 12
