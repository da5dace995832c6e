-- title: Totals
-- reads: metrics_severity_hourly
WITH messages AS (
    SELECT coalesce(sum(messages), 0)::BIGINT AS messages FROM metrics_severity_hourly
)
SELECT messages, coalesce(sum(errors), 0)::BIGINT AS errors, count(state) AS groups,
    count(*) FILTER (state = 'new') AS new, count(*) FILTER (state = 'regressed') AS regressed,
    count(*) FILTER (state = 'escalating') AS escalating, count(*) FILTER (state = 'known') AS known
FROM messages LEFT JOIN report.groups ON true GROUP BY messages
