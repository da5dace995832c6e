-- title: Bots, AI crawlers and feed readers
-- note: By user agent, so unverified. What its operator documents about robots.txt stands beside how often it asked for that file.
-- reads: metrics_client_hourly, metrics_agent_hourly, agents
WITH called AS (
    SELECT coalesce(user_agent_name, '(no name)') AS bot_name, user_agent_original, sum(requests) AS requests
    FROM metrics_agent_hourly WHERE is_bot GROUP BY ALL
), labelled AS (
    -- several user agents may have one name: its label is that of the one with the most requests
    SELECT bot_name, arg_max(agents, (requests, called.user_agent_original)) AS label
    FROM called JOIN agents USING (user_agent_original) WHERE is_crawler GROUP BY bot_name
), parts AS (
    SELECT coalesce(user_agent_name, '(no name)') AS bot_name, bot_category, sum(requests) AS requests, sum(bytes) AS bytes, sum(robots_txt) AS robots_txt
    FROM metrics_client_hourly WHERE is_bot GROUP BY ALL
), counted AS (
    SELECT bot_name, arg_max(bot_category, (requests, bot_category)) AS bot_category,
        sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes, sum(robots_txt)::BIGINT AS robots_txt
    FROM parts GROUP BY bot_name
)
SELECT bot_name, bot_category,
    coalesce(replace(replace(replace(label.crawler_purpose, 'ai_user', 'ai_assistant'), 'ai_', 'AI '), '_', ' '), bot_category) AS purpose,
    label.crawler_operator AS operator, requests, bytes, robots_txt, label.robots_txt_policy AS robots_txt_policy
FROM counted LEFT JOIN labelled USING (bot_name) ORDER BY requests DESC, bot_name LIMIT 15
