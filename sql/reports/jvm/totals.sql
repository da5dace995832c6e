-- title: Totals
-- reads: metrics_gc_hourly
-- needs: metrics_gc_hourly
WITH items AS (
    SELECT unnest(pause_histogram) AS item FROM metrics_gc_hourly
), merged AS (
    SELECT item.b AS b, sum(item.n)::BIGINT AS n FROM items GROUP BY ALL
)
SELECT coalesce(sum(pauses), 0)::BIGINT AS pauses, coalesce(sum(full_pauses), 0)::BIGINT AS full_pauses, coalesce(sum(collections), 0)::BIGINT AS collections,
    count(DISTINCT (source_name, service_name, host_name)) AS jvms,
    coalesce(sum(pause_sum_ms), 0)::DOUBLE AS pause_sum_ms, max(pause_max_ms) AS pause_max_ms,
    least((SELECT percentile(list({'b': b, 'n': n} ORDER BY b), 0.99) FROM merged), max(pause_max_ms)) AS p99_ms,
    (1 - sum(pause_sum_ms) / (count(*) * 3600000))::DOUBLE AS throughput, count(DISTINCT hour_start) AS hours
FROM metrics_gc_hourly
