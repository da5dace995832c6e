-- title: Bots, AI crawlers and feed readers
-- note: By user agent, so unverified.
-- reads: metrics_client_hourly
SELECT coalesce(user_agent_name, '(no name)') AS bot_name, any_value(bot_category ORDER BY bot_category) AS bot_category,
    sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes, sum(robots_txt)::BIGINT AS robots_txt
FROM metrics_client_hourly WHERE is_bot GROUP BY 1 ORDER BY requests DESC, bot_name LIMIT 15
