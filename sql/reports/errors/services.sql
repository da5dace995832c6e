-- title: What was logged, by service
-- note: The history is the eight weeks before, as far as there are logs; with less than a week of it no error is called new.
-- reads: metrics_error_hourly, history_severity_hourly
WITH asked AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first_hour, getvariable('last_hour')::TIMESTAMP AS last_hour
), errors AS (
    SELECT source_name, service_name, sum(errors)::BIGINT AS errors FROM metrics_error_hourly GROUP BY ALL
), logged AS (
    SELECT source_name, service_name, min(hour_start) AS history_start, count(DISTINCT hour_start::DATE) AS history_days,
        count(DISTINCT hour_start) FILTER (hour_start >= first_hour) AS hours_present,
        date_diff('hour', any_value(first_hour), any_value(last_hour)) + 1 AS hours_asked,
        coalesce(sum(messages) FILTER (hour_start >= first_hour), 0)::BIGINT AS messages
    FROM history_severity_hourly, asked WHERE hour_start <= last_hour GROUP BY ALL
)
SELECT service_name, source_name, hours_present, hours_asked, messages, coalesce(errors, 0) AS errors, history_start, history_days
FROM logged LEFT JOIN errors USING (source_name, service_name)
ORDER BY errors DESC, source_name, service_name
