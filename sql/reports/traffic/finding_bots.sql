-- title: Bots make a good part of the requests, or more than usual
-- reads: metrics_traffic_hourly, history_traffic_hourly, metrics_client_hourly
WITH total AS (
    SELECT sum(requests)::BIGINT AS requests, coalesce(sum(requests) FILTER (is_bot), 0)::BIGINT AS bots FROM metrics_traffic_hourly
), past AS (
    SELECT sum(requests) AS requests, coalesce(sum(requests) FILTER (is_bot), 0) AS bots, count(DISTINCT hour_start::DATE) AS days
    FROM history_traffic_hourly WHERE hour_start < getvariable('first_hour')
), first AS (
    SELECT * FROM report.bots ORDER BY requests DESC, bot_name LIMIT 1
), ai AS (
    SELECT coalesce(sum(requests), 0)::BIGINT AS requests FROM metrics_client_hourly WHERE bot_category = 'ai'
)
SELECT 'info' AS level, (total.bots / total.requests)::DOUBLE AS rank, 'Who is the traffic' AS headline,
    human_share(total.bots, total.requests) || ' of requests are bots and feed readers (' || human_count(total.bots) || ' of ' || human_count(total.requests) || ')' AS number,
    CASE WHEN past.days >= 7 THEN human_share(past.bots, past.requests) || ' in the ' || human_count(past.days) || ' days before'
         ELSE 'Fewer than seven earlier days to compare with' END AS baseline,
    first.bot_name || ' alone ' || human_share(first.requests, total.requests) || CASE WHEN ai.requests = 0 THEN '; no AI crawler'
        ELSE '; AI crawlers ' || human_share(ai.requests, total.requests) END AS who,
    'SELECT user_agent_name, bot_category, sum(requests)::BIGINT AS requests, (sum(sum(requests)) OVER ())::BIGINT AS bots, '
        || '(SELECT sum(requests)::BIGINT FROM metrics_traffic_hourly WHERE ' || sql_hours(getvariable('first_hour'), getvariable('last_hour'))
        || ') AS total FROM metrics_client_hourly WHERE is_bot AND ' || sql_hours(getvariable('first_hour'), getvariable('last_hour'))
        || ' GROUP BY ALL ORDER BY requests DESC, user_agent_name, bot_category LIMIT 50' AS check_sql
FROM total, past, first, ai
WHERE total.bots >= 100 AND (total.bots >= 0.25 * total.requests OR (past.days >= 7 AND total.bots / total.requests >= 1.5 * past.bots / past.requests))
