-- title: Not found (404)
-- reads: events_web_access
SELECT url_path, count(*) AS requests, count(DISTINCT client_address) AS clients, mode(coalesce(user_agent_name, '(no user agent)')) AS mostly
FROM events_web_access
WHERE http_response_status_code = 404 AND url_path IS NOT NULL
    AND event_time >= getvariable('first_hour') AND event_time < getvariable('last_hour') + INTERVAL 1 HOUR
GROUP BY url_path ORDER BY requests DESC, url_path LIMIT 10
