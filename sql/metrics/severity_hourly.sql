-- title: messages by severity
-- dataset: app_log
-- grain: hour_start, source_name, service_name, severity_number
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, severity_number,
    count(*)::BIGINT AS messages
FROM events GROUP BY ALL
