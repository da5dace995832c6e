-- title: events and users by event name
-- dataset: json_event
-- grain: hour_start, source_name, service_name, app_id, event_name
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, app_id, event_name,
    count(*)::BIGINT AS events,
    count(DISTINCT user_id)::BIGINT AS users,
    count(DISTINCT session_id)::BIGINT AS sessions,
    coalesce(max(date_diff('millisecond', event_time, published_time)), 0)::BIGINT AS longest_delay_ms
FROM events GROUP BY ALL
