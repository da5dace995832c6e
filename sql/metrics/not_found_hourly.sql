-- title: requests answered by 404, by path, referrer and visitor
-- dataset: web_access
-- grain: hour_start, source_name, service_name, url_path, referrer_host, referrer_path, user_agent_name, is_bot, visitor
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, url_path,
    referrer_host(http_request_referrer) AS referrer_host,
    CASE WHEN referrer_host(http_request_referrer) IS NOT NULL THEN referrer_path(http_request_referrer) END AS referrer_path,
    user_agent_name, is_bot, visitor_number(visitor_id) AS visitor,
    count(*)::BIGINT AS requests
FROM events WHERE http_response_status_code = 404 GROUP BY ALL
