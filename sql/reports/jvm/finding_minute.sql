-- title: A minute that stood still
-- reads: metrics_gc_hourly, history_gc_hourly, metrics_minute_hourly
-- five seconds of a minute, and ten times the median hour's worst minute where two days of hours bear one
WITH minutes AS (
    SELECT hour_start, source_name, service_name, host_name, unnest(worst_minutes) AS worst FROM metrics_gc_hourly
), worst AS (
    SELECT * FROM minutes QUALIFY row_number() OVER (PARTITION BY source_name, service_name, host_name ORDER BY worst.pause_ms DESC, worst.minute) = 1
), usual AS (
    SELECT source_name, service_name, host_name, count(*) AS hours, median(worst_minutes[1].pause_ms) AS pause_ms FROM history_gc_hourly
    WHERE pauses > 0 GROUP BY ALL
), traffic AS (
    SELECT hour_start, unnest(minutes) AS m FROM metrics_minute_hourly
), requests AS (
    SELECT hour_start + to_minutes(m.minute) AS minute, sum(m.requests)::BIGINT AS requests FROM traffic GROUP BY ALL
)
SELECT 'bad' AS level, worst.pause_ms AS rank, 'A minute that stood still' AS headline,
    human_ms(worst.pause_ms) || ' in pauses in the minute of ' || strftime(worst.minute, '%a %d %b %H:%M UTC') || ' (' || plural(worst.pauses, 'pause') || ')' AS number,
    CASE WHEN usual.hours < 48 THEN 'Too few hours to say what is usual; the longest pause was ' || human_ms(worst.longest_ms)
         ELSE 'The worst minute of the median hour has ' || human_ms(usual.pause_ms) END AS baseline,
    worst.service_name || coalesce(' on ' || worst.host_name, '') || ', ' || coalesce(worst.worst.jvm_gc_cause, worst.worst.jvm_gc_action, 'cause not logged')
        || coalesce('; ' || plural(requests.requests, 'request') || ' came in that minute', '') AS who,
    'SELECT host_name, unnest(worst_minutes, recursive := true) FROM metrics_gc_hourly WHERE source_name = ' || sql_text(worst.source_name)
        || ' AND service_name IS NOT DISTINCT FROM ' || sql_text(worst.service_name) || ' AND host_name IS NOT DISTINCT FROM ' || sql_text(worst.host_name)
        || ' AND ' || sql_hours(worst.hour_start, worst.hour_start) AS check_sql
FROM (SELECT *, worst.minute AS minute, worst.pause_ms AS pause_ms, worst.longest_ms AS longest_ms, worst.pauses AS pauses FROM worst) AS worst
JOIN usual ON usual.source_name = worst.source_name AND usual.service_name IS NOT DISTINCT FROM worst.service_name AND usual.host_name IS NOT DISTINCT FROM worst.host_name
LEFT JOIN requests ON requests.minute = worst.minute
WHERE worst.pause_ms >= 5000 AND (usual.hours < 48 OR worst.pause_ms >= 10 * usual.pause_ms)
ORDER BY worst.pause_ms DESC, worst.source_name, worst.host_name
