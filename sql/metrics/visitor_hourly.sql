-- title: what people ask for, by page, referring site and visitor
-- dataset: web_access
-- grain: hour_start, source_name, service_name, url_path, referrer_host, visitor
-- url_path is NULL for assets; distinct visitors of any hours are exact, and add up over days
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name,
    CASE WHEN NOT is_asset(url_path) THEN url_path END AS url_path,
    referrer_host(http_request_referrer) AS referrer_host,
    visitor_number(visitor_id) AS visitor,
    count(*)::BIGINT AS requests,
    coalesce(sum(http_response_body_size_bytes), 0)::BIGINT AS bytes,
    count(*) FILTER (http_response_status_code >= 400)::BIGINT AS errors
FROM events WHERE NOT is_bot GROUP BY ALL
