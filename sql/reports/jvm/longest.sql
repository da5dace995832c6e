-- title: Length of pauses
-- note: Of 100 pauses one is longer than p99. A gap is an hour without a pause.
-- reads: metrics_gc_hourly
-- chart: lines x=hour_start y=pause_max_ms,p99_ms,p50_ms unit=ms
-- labels: pause_max_ms=Longest; p99_ms=p99; p50_ms=Median
-- colours: red, amber, blue
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first, getvariable('last_hour')::TIMESTAMP AS last, step_of(first, last) AS step
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, first), last, ('1 ' || step)::INTERVAL)) AS hour_start FROM period
), hours AS (
    SELECT date_trunc(step, hour_start) AS hour_start, pause_max_ms, pause_histogram FROM metrics_gc_hourly, period
), items AS (
    SELECT hour_start, unnest(pause_histogram) AS item FROM hours
), merged AS (
    SELECT hour_start, item.b AS b, sum(item.n)::BIGINT AS n FROM items GROUP BY ALL
), histograms AS (
    SELECT hour_start, list({'b': b, 'n': n} ORDER BY b) AS hist FROM merged GROUP BY hour_start
), maxima AS (
    SELECT hour_start, max(pause_max_ms) AS pause_max_ms FROM hours GROUP BY hour_start
)
SELECT hour_start, pause_max_ms, least(percentile(hist, 0.99), pause_max_ms) AS p99_ms, least(percentile(hist, 0.5), pause_max_ms) AS p50_ms
FROM axis LEFT JOIN maxima USING (hour_start) LEFT JOIN histograms USING (hour_start) ORDER BY hour_start
