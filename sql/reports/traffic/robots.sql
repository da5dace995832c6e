-- title: Robots
-- reads: events_web_access
SELECT coalesce(bot_name, '(no name)') AS bot_name, any_value(bot_category ORDER BY bot_category) AS bot_category, count(*) AS requests,
    sum(http_response_body_size_bytes)::BIGINT AS bytes
FROM events_web_access
WHERE is_bot AND event_time >= getvariable('first_hour') AND event_time < getvariable('last_hour') + INTERVAL 1 HOUR
GROUP BY 1 ORDER BY requests DESC, bot_name LIMIT 15
