-- title: Pauses by JVM
-- note: Throughput is the share of its hours in which a JVM did not stand still; one service on one host is taken for one JVM.
-- reads: metrics_gc_hourly
WITH items AS (
    SELECT source_name, service_name, host_name, unnest(pause_histogram) AS item FROM metrics_gc_hourly
), merged AS (
    SELECT source_name, service_name, host_name, item.b AS b, sum(item.n)::BIGINT AS n FROM items GROUP BY ALL
), histograms AS (
    SELECT source_name, service_name, host_name, list({'b': b, 'n': n} ORDER BY b) AS hist FROM merged GROUP BY ALL
), sums AS (
    SELECT source_name, service_name, host_name, count(*) AS hours, sum(pauses)::BIGINT AS pauses, sum(full_pauses)::BIGINT AS full_pauses,
        sum(pause_sum_ms)::DOUBLE AS pause_sum_ms, max(pause_max_ms) AS pause_max_ms,
        (1 - sum(pause_sum_ms) / (count(*) * 3600000))::DOUBLE AS throughput, (sum(freed_bytes) / count(*))::BIGINT AS freed_bytes_per_hour
    FROM metrics_gc_hourly GROUP BY ALL
)
SELECT sums.service_name || coalesce(' on ' || sums.host_name, '') AS jvm, sums.source_name, hours, pauses, full_pauses, pause_sum_ms, least(percentile(hist, 0.5), pause_max_ms) AS p50_ms,
    least(percentile(hist, 0.99), pause_max_ms) AS p99_ms, pause_max_ms, throughput, freed_bytes_per_hour
FROM sums LEFT JOIN histograms ON sums.source_name = histograms.source_name AND sums.service_name IS NOT DISTINCT FROM histograms.service_name
    AND sums.host_name IS NOT DISTINCT FROM histograms.host_name
ORDER BY pause_sum_ms DESC, jvm, sums.source_name
