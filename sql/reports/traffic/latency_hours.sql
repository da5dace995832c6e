-- title: Time to serve over time
-- note: Merged histograms: each percentile is within 1%.
-- reads: metrics_latency_hourly
-- chart: lines x=hour_start y=p50_ms,p95_ms,p99_ms unit=ms height=110
-- labels: p50_ms=Median; p95_ms=95%; p99_ms=99%
-- colours: blue, amber, red
WITH axis AS (
    SELECT unnest(period_steps(getvariable('first_hour'), getvariable('last_hour'))) AS hour_start
), items AS (
    SELECT date_trunc(period_step(getvariable('first_hour'), getvariable('last_hour')), hour_start) AS hour_start,
        unnest(duration_histogram, recursive := true)
    FROM metrics_latency_hourly
), merged AS (
    SELECT hour_start, b, sum(n)::BIGINT AS n FROM items GROUP BY ALL
), running AS (
    SELECT *, sum(n) OVER (PARTITION BY hour_start ORDER BY b) AS up_to, sum(n) OVER (PARTITION BY hour_start) AS total FROM merged
), found AS (
    SELECT hour_start, bucket_ms(min(b) FILTER (up_to >= ceil(0.5 * total))) AS p50_ms,
        bucket_ms(min(b) FILTER (up_to >= ceil(0.95 * total))) AS p95_ms, bucket_ms(min(b) FILTER (up_to >= ceil(0.99 * total))) AS p99_ms
    FROM running GROUP BY hour_start
)
SELECT hour_start, p50_ms, p95_ms, p99_ms FROM axis LEFT JOIN found USING (hour_start) ORDER BY hour_start
