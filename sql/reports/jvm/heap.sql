-- title: Heap after collections
-- note: Of the fullest JVM: the most and the least that was left in use after a collection. A least that only rises is what the application keeps.
-- reads: metrics_gc_hourly
-- chart: lines x=hour_start y=heap_after_max_bytes,heap_after_min_bytes unit=size
-- labels: heap_after_max_bytes=Most; heap_after_min_bytes=Least
-- colours: light, blue
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first, getvariable('last_hour')::TIMESTAMP AS last, step_of(first, last) AS step
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, first), last, ('1 ' || step)::INTERVAL)) AS hour_start FROM period
), jvms AS (
    SELECT date_trunc(step, hour_start) AS hour_start, source_name, service_name, host_name, max(heap_after_max_bytes) AS most, min(heap_after_min_bytes) AS least
    FROM metrics_gc_hourly, period GROUP BY ALL
)
SELECT hour_start, max(most) AS heap_after_max_bytes, max(least) AS heap_after_min_bytes
FROM axis LEFT JOIN jvms USING (hour_start) GROUP BY hour_start ORDER BY hour_start
