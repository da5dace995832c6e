-- title: Heap that only grows
-- reads: metrics_gc_hourly
-- a straight line through at least twelve hours that explains four fifths of what is kept, and grows it by a tenth of the heap
WITH trends AS (
    SELECT source_name, service_name, host_name, count(*) AS hours, max(heap_committed_bytes) AS committed, min(hour_start) AS first,
        arg_min(heap_after_min_bytes, hour_start) AS before, arg_max(heap_after_min_bytes, hour_start) AS after,
        regr_slope(heap_after_min_bytes, epoch(hour_start)) * 86400 AS daily, regr_r2(heap_after_min_bytes, epoch(hour_start)) AS r2
    FROM metrics_gc_hourly WHERE heap_after_min_bytes IS NOT NULL GROUP BY ALL
)
SELECT 'warn' AS level, (daily / committed)::DOUBLE AS rank, 'Heap that only grows' AS headline,
    'What is left after collections grows by ' || human_bytes(round(daily)) || ' a day' AS number,
    'It was ' || human_bytes(before) || ' in the first of ' || plural(hours, 'hour') || ', ' || human_bytes(after) || ' in the last; the heap is ' || human_bytes(committed) AS baseline,
    service_name || coalesce(' on ' || host_name, '') || CASE WHEN daily > 0 AND committed > after
        THEN '; at this rate full in ' || CASE WHEN (committed - after) / daily < 2 THEN plural(ceil((committed - after) / daily * 24), 'hour') ELSE plural(ceil((committed - after) / daily), 'day') END
        ELSE '' END AS who,
    'SELECT hour_start, heap_after_min_bytes, heap_committed_bytes FROM metrics_gc_hourly WHERE source_name = ' || sql_text(source_name)
        || ' AND service_name IS NOT DISTINCT FROM ' || sql_text(service_name) || ' AND host_name IS NOT DISTINCT FROM ' || sql_text(host_name) || ' AND ' || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' ORDER BY hour_start' AS check_sql
FROM trends WHERE hours >= 12 AND r2 > 0.8 AND daily > 0 AND after - before > 0.1 * committed
ORDER BY source_name, service_name, host_name
