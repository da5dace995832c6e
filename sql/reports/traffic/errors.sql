-- title: Errors over time
-- note: Responses with status 400 and above.
-- reads: metrics_traffic_hourly
-- chart: stacked_bars x=hour_start y=server_errors,client_errors height=90
-- labels: server_errors=5xx; client_errors=4xx
-- colours: red, amber
WITH axis AS (
    SELECT unnest(period_steps(getvariable('first_hour'), getvariable('last_hour'))) AS hour_start
), hours AS (
    SELECT * REPLACE (date_trunc(period_step(getvariable('first_hour'), getvariable('last_hour')), hour_start) AS hour_start)
    FROM metrics_traffic_hourly
)
SELECT hour_start,
    coalesce(sum(requests) FILTER (http_response_status_class = '5xx'), 0)::BIGINT AS server_errors,
    coalesce(sum(requests) FILTER (http_response_status_class = '4xx'), 0)::BIGINT AS client_errors
FROM axis LEFT JOIN hours USING (hour_start) GROUP BY hour_start ORDER BY hour_start
