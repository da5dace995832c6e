-- title: Full collections
-- reads: metrics_gc_hourly, history_gc_hourly
WITH usual AS (
    SELECT source_name, service_name, host_name, count(*) AS hours, sum(full_pauses)::BIGINT AS full_pauses
    FROM history_gc_hourly WHERE hour_start < getvariable('first_hour') GROUP BY ALL
), now AS (
    SELECT source_name, service_name, host_name, count(*) AS hours, sum(full_pauses)::BIGINT AS full_pauses, max(pause_max_ms) FILTER (full_pauses > 0) AS longest_ms,
        min(hour_start) FILTER (full_pauses > 0) AS first
    FROM metrics_gc_hourly GROUP BY ALL
)
SELECT 'warn' AS level, now.full_pauses::DOUBLE AS rank, 'Full collections' AS headline,
    plural(now.full_pauses, 'full collection') || ' in ' || plural(now.hours, 'hour') || ' of the log' AS number,
    CASE WHEN usual.hours IS NULL THEN 'There are no hours before to compare with' ELSE 'Before: ' || human_count(usual.full_pauses) || ' in ' || plural(usual.hours, 'hour') END AS baseline,
    now.service_name || coalesce(' on ' || now.host_name, '') || ', first at ' || human_hour(now.first) || '; the longest pause of these hours took ' || human_ms(longest_ms) AS who,
    'SELECT hour_start, host_name, full_pauses, pause_max_ms FROM metrics_gc_hourly WHERE full_pauses > 0 AND source_name = ' || sql_text(now.source_name)
        || ' AND service_name IS NOT DISTINCT FROM ' || sql_text(now.service_name) || ' AND host_name IS NOT DISTINCT FROM ' || sql_text(now.host_name)
        || ' AND ' || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' ORDER BY ALL' AS check_sql
FROM now LEFT JOIN usual ON usual.source_name = now.source_name AND usual.service_name IS NOT DISTINCT FROM now.service_name AND usual.host_name IS NOT DISTINCT FROM now.host_name
-- a full collection is worth telling where there were none, or three times as many an hour
WHERE now.full_pauses > 0 AND (usual.hours IS NULL OR now.full_pauses / now.hours > 3 * usual.full_pauses / usual.hours)
ORDER BY now.source_name, now.service_name, now.host_name
