-- title: Heap by JVM
-- note: In use after collections. The trend is that of the hours' least, as a straight line through them; it is told from six hours on.
-- reads: metrics_gc_hourly
SELECT service_name || coalesce(' on ' || host_name, '') AS jvm, source_name, min(heap_after_min_bytes) AS heap_after_min_bytes, max(heap_after_max_bytes) AS heap_after_max_bytes,
    arg_max(heap_after_last_bytes, hour_start) AS heap_after_last_bytes, max(heap_committed_bytes) AS heap_committed_bytes,
    CASE WHEN count(heap_after_min_bytes) >= 6 THEN round(regr_slope(heap_after_min_bytes, epoch(hour_start)) * 86400)::BIGINT END AS trend_bytes_per_day
FROM metrics_gc_hourly WHERE heap_after_min_bytes IS NOT NULL
GROUP BY source_name, service_name, host_name ORDER BY heap_after_max_bytes DESC, jvm, source_name
