-- title: Requests per hour
-- reads: metrics_traffic_hourly
SELECT hour.hour_start,
    coalesce(sum(requests) FILTER (NOT is_bot), 0)::BIGINT AS people,
    coalesce(sum(requests) FILTER (is_bot), 0)::BIGINT AS bots,
    coalesce(sum(requests), 0)::BIGINT AS requests,
    coalesce(sum(visitors) FILTER (NOT is_bot), 0)::BIGINT AS visitors,
    coalesce(sum(bytes), 0)::BIGINT AS bytes,
    coalesce(sum(requests) FILTER (http_response_status_class = '4xx'), 0)::BIGINT AS client_errors,
    coalesce(sum(requests) FILTER (http_response_status_class = '5xx'), 0)::BIGINT AS server_errors
FROM generate_series(getvariable('first_hour')::TIMESTAMP, getvariable('last_hour')::TIMESTAMP, INTERVAL 1 HOUR) AS hour(hour_start)
LEFT JOIN metrics_traffic_hourly USING (hour_start)
GROUP BY hour.hour_start ORDER BY hour.hour_start
