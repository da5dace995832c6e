-- title: requests by client network and user agent; who asks for robots.txt
-- dataset: web_access
-- grain: hour_start, source_name, service_name, client_network, user_agent_name, is_bot, bot_category
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, client_network, user_agent_name, is_bot, bot_category,
    count(*)::BIGINT AS requests,
    coalesce(sum(http_response_body_size_bytes), 0)::BIGINT AS bytes,
    count(*) FILTER (url_path = '/robots.txt')::BIGINT AS robots_txt
FROM events GROUP BY ALL
