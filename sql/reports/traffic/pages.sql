-- title: Top paths
-- reads: events_web_access
SELECT url_path, count(DISTINCT visitor_id) AS visitors, count(*) AS requests, sum(http_response_body_size_bytes)::BIGINT AS bytes,
    count(*) FILTER (http_response_status_code >= 400) AS errors
FROM events_web_access
WHERE NOT is_bot AND url_path IS NOT NULL
    AND NOT regexp_matches(url_path, '(?i)\.(css|js|png|jpe?g|gif|svg|ico|woff2?|ttf|webp|map)$')
    AND event_time >= getvariable('first_hour') AND event_time < getvariable('last_hour') + INTERVAL 1 HOUR
GROUP BY url_path ORDER BY visitors DESC, requests DESC, url_path LIMIT 15
