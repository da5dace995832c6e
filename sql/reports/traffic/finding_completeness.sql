-- title: Hours or minutes are missing, lines were rejected, objects are corrupt
-- reads: metrics_traffic_hourly
WITH hours AS (
    SELECT * FROM report.completeness
), dense AS (
    SELECT source_name, sum(requests) / count(DISTINCT hour_start) AS per_hour, 1 - exp(-per_hour / 60) AS filled FROM metrics_traffic_hourly GROUP BY source_name
)
SELECT 'bad' AS level, (hours_asked - hours_present)::DOUBLE AS rank, 'Hours without data' AS headline,
    source_name || ': no data in ' || human_count(hours_asked - hours_present) || ' of ' || plural(hours_asked, 'hour') AS number,
    'Expected in each hour of the period' AS baseline, 'Source ' || source_name || '; its log is missing, late or idle' AS who,
    'SELECT hour_start, rows FROM books WHERE dataset = ''web_access'' AND source_name = ' || sql_text(source_name) || ' AND '
        || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' ORDER BY hour_start' AS check_sql
FROM hours WHERE hours_present < hours_asked
UNION ALL
-- requests at random times leave exp(-requests a minute) of the minutes without any
SELECT 'warn', (1 - minutes_present / (60 * hours_present))::DOUBLE, 'This log looks sampled',
    source_name || ': only ' || human_count(minutes_present) || ' of ' || human_count(60 * hours_present) || ' minutes have a request',
    'At ' || human_count(round(per_hour)) || ' requests an hour about ' || human_share(filled, 1) || ' of minutes should',
    'Source ' || source_name || '; hourly counts and bytes may be understated',
    'SELECT hour_start, bit_count(bit_or(minutes)) AS minutes, sum(requests)::BIGINT AS requests FROM metrics_traffic_hourly WHERE source_name = '
        || sql_text(source_name) || ' AND ' || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' GROUP BY hour_start ORDER BY hour_start'
FROM hours JOIN dense USING (source_name) WHERE per_hour >= 60 AND minutes_present < 0.4 * filled * 60 * hours_present
UNION ALL
SELECT 'warn', (quarantined / lines)::DOUBLE, 'Rejected lines',
    source_name || ': ' || human_count(quarantined) || ' of ' || plural(lines, 'line') || ' rejected (' || human_share(quarantined, lines) || ')',
    'Usual is under 1%', 'Source ' || source_name || CASE WHEN corrupt_objects > 0 THEN '; ' || plural(corrupt_objects, 'corrupt object') ELSE '' END,
    'SELECT uri, lines, quarantined, reject_reasons, problem FROM ledger WHERE source_name = ' || sql_text(source_name)
        || ' AND (quarantined > 0 OR problem IS NOT NULL) ORDER BY quarantined DESC, uri LIMIT 20'
FROM report.books WHERE lines > 0 AND (quarantined >= 0.01 * lines OR corrupt_objects > 0)
ORDER BY ALL
