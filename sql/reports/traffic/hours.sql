-- title: Requests over time
-- note: UTC. Point at a bar for its value.
-- reads: metrics_traffic_hourly
-- chart: stacked_bars x=hour_start y=people,bots
-- labels: people=People; bots=Bots & feeds
-- colours: blue, sand
-- long periods are shown by day (from two weeks on) or month (from two years on)
WITH period AS (
    SELECT CASE WHEN getvariable('last_hour') - getvariable('first_hour') < INTERVAL 14 DAY THEN 'hour'
                WHEN getvariable('last_hour') - getvariable('first_hour') < INTERVAL 730 DAY THEN 'day' ELSE 'month' END AS step
), hours AS (
    SELECT date_trunc(step, hour_start) AS hour_start, step, is_bot, http_response_status_class, requests, visitors, bytes
    FROM metrics_traffic_hourly, period
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, getvariable('first_hour')::TIMESTAMP), getvariable('last_hour')::TIMESTAMP,
        ('1 ' || step)::INTERVAL)) AS hour_start, step FROM period
)
SELECT axis.hour_start, axis.step,
    coalesce(sum(requests) FILTER (NOT is_bot), 0)::BIGINT AS people,
    coalesce(sum(requests) FILTER (is_bot), 0)::BIGINT AS bots,
    coalesce(sum(requests), 0)::BIGINT AS requests,
    coalesce(sum(visitors) FILTER (NOT is_bot), 0)::BIGINT AS visitors,
    coalesce(sum(bytes), 0)::BIGINT AS bytes,
    coalesce(sum(requests) FILTER (http_response_status_class = '4xx'), 0)::BIGINT AS client_errors,
    coalesce(sum(requests) FILTER (http_response_status_class = '5xx'), 0)::BIGINT AS server_errors
FROM axis LEFT JOIN hours USING (hour_start)
GROUP BY ALL ORDER BY axis.hour_start
