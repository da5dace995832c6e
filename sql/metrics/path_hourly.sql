-- title: requests by path
-- dataset: web_access
-- grain: hour_start, source_name, service_name, http_request_method, url_path, is_bot
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, http_request_method, url_path, is_bot,
    count(*)::BIGINT AS requests,
    count(*) FILTER (http_response_status_code BETWEEN 400 AND 499)::BIGINT AS client_errors,
    count(*) FILTER (http_response_status_code >= 500)::BIGINT AS server_errors,
    coalesce(sum(http_response_body_size_bytes), 0)::BIGINT AS bytes,
    count(DISTINCT visitor_id)::BIGINT AS visitors,
    count(duration_ms)::BIGINT AS timed_requests,
    coalesce(sum((duration_ms * 1000)::HUGEINT) / 1000, 0)::DOUBLE AS duration_sum_ms
FROM events GROUP BY ALL
