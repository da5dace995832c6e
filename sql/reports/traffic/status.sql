-- title: Status classes
-- reads: metrics_traffic_hourly
SELECT http_response_status_class, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes
FROM metrics_traffic_hourly GROUP BY ALL ORDER BY http_response_status_class
