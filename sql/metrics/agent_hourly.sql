-- title: requests by user agent, and how often it asks for robots.txt
-- dataset: web_access
-- grain: hour_start, source_name, service_name, user_agent_original, user_agent_name, is_bot, bot_category
-- what is longer than 512 characters describes no browser: the rest would only fill the lake
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name,
    left(user_agent_original, 512) AS user_agent_original, user_agent_name, is_bot, bot_category,
    count(*)::BIGINT AS requests,
    coalesce(sum(http_response_body_size_bytes), 0)::BIGINT AS bytes,
    count(*) FILTER (url_path = '/robots.txt')::BIGINT AS robots_txt
FROM events GROUP BY ALL
