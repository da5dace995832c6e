-- title: Totals
-- reads: events_web_access
SELECT
    count(*) AS requests,
    count(DISTINCT visitor_id) FILTER (NOT is_bot) AS visitors,
    sum(http_response_body_size_bytes)::BIGINT AS bytes,
    count(*) FILTER (http_response_status_code BETWEEN 400 AND 499) AS client_errors,
    count(*) FILTER (http_response_status_code >= 500) AS server_errors,
    count(*) FILTER (is_bot) AS bots,
    count(*) FILTER (bot_category = 'ai') AS ai_crawlers,
    count(*) FILTER (parse_status = 'partial') AS partial
FROM events_web_access
WHERE event_time >= getvariable('first_hour') AND event_time < getvariable('last_hour') + INTERVAL 1 HOUR
