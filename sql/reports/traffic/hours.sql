-- title: Requests over time
-- note: UTC. Point at a bar for its value. Long periods are shown by day (from two weeks on) or month (from two years on).
-- reads: metrics_traffic_hourly
-- chart: stacked_bars x=hour_start y=people_pages,people_assets,bots height=150
-- labels: people_pages=People · pages; people_assets=People · assets; bots=Bots & feeds
-- colours: blue, light, sand
WITH axis AS (
    SELECT unnest(period_steps(getvariable('first_hour'), getvariable('last_hour'))) AS hour_start
), hours AS (
    SELECT * REPLACE (date_trunc(period_step(getvariable('first_hour'), getvariable('last_hour')), hour_start) AS hour_start)
    FROM metrics_traffic_hourly
)
SELECT hour_start,
    coalesce(sum(requests - coalesce(assets, 0)) FILTER (NOT is_bot), 0)::BIGINT AS people_pages,
    coalesce(sum(assets) FILTER (NOT is_bot), 0)::BIGINT AS people_assets,
    coalesce(sum(requests) FILTER (is_bot), 0)::BIGINT AS bots,
    coalesce(sum(requests), 0)::BIGINT AS requests
FROM axis LEFT JOIN hours USING (hour_start) GROUP BY hour_start ORDER BY hour_start
