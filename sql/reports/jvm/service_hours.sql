-- title: Pauses by service and hour
-- note: The hours with the longest time in pauses.
-- reads: metrics_gc_hourly
WITH items AS (
    SELECT hour_start, service_name, unnest(pause_histogram) AS item FROM metrics_gc_hourly
), merged AS (
    SELECT hour_start, service_name, item.b AS b, sum(item.n)::BIGINT AS n FROM items GROUP BY ALL
), histograms AS (
    SELECT hour_start, service_name, list({'b': b, 'n': n} ORDER BY b) AS hist FROM merged GROUP BY ALL
), sums AS (
    SELECT hour_start, service_name, sum(pauses)::BIGINT AS pauses, sum(pause_sum_ms)::DOUBLE AS pause_sum_ms, max(pause_max_ms) AS pause_max_ms,
        (1 - sum(pause_sum_ms) / (count(*) * 3600000))::DOUBLE AS throughput
    FROM metrics_gc_hourly GROUP BY ALL
)
SELECT sums.hour_start, sums.service_name, pauses, pause_sum_ms, pause_max_ms, least(percentile(hist, 0.99), pause_max_ms) AS p99_ms, throughput
FROM sums JOIN histograms ON sums.hour_start = histograms.hour_start AND sums.service_name IS NOT DISTINCT FROM histograms.service_name
ORDER BY pause_sum_ms DESC, sums.hour_start, sums.service_name LIMIT 48
