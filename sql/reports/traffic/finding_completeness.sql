-- title: Hours or minutes are missing, lines were rejected, objects are corrupt
-- reads: metrics_traffic_hourly
WITH hours AS (
    SELECT * FROM report.completeness
), minutes AS (
    SELECT source_name, hour_start, sum(requests) AS requests, bit_or(minutes) AS minutes, bin(bit_or(minutes)) AS bits
    FROM metrics_traffic_hourly WHERE minutes IS NOT NULL GROUP BY source_name, hour_start
), counted AS (
    -- before its first and after its last request a log may not have been there
    SELECT source_name, sum(requests) AS requests, sum(bit_count(minutes))::BIGINT AS present,
        60 * count(*) - arg_min(length(bits) - length(rtrim(bits, '0')), hour_start) - arg_max(60 - length(bits), hour_start) AS asked
    FROM minutes GROUP BY source_name
), dense AS (
    SELECT *, 60 * requests / asked AS per_hour, 1 - exp(-per_hour / 60) AS filled FROM counted
)
SELECT 'bad' AS level, (hours_asked - hours_present)::DOUBLE AS rank, 'Hours without data' AS headline,
    source_name || ': no data in ' || human_count(hours_asked - hours_present) || ' of ' || plural(hours_asked, 'hour') AS number,
    'Expected in each hour of the period' AS baseline, 'Source ' || source_name || '; its log is missing, late or idle' AS who,
    'SELECT unnest(generate_series(TIMESTAMP ''' || greatest(getvariable('first_hour')::TIMESTAMP, kept_since(source_name)) || ''', TIMESTAMP '''
        || getvariable('last_hour')::TIMESTAMP || ''', INTERVAL 1 HOUR)) AS hour_start EXCEPT SELECT hour_start FROM books WHERE dataset = ''web_access'' AND source_name = '
        || sql_text(source_name) || ' ORDER BY hour_start' AS check_sql
FROM hours WHERE hours_present < hours_asked
UNION ALL
-- requests at random times leave exp(-requests a minute) of the minutes without any
SELECT 'warn', (1 - present / asked)::DOUBLE, 'This log looks sampled',
    source_name || ': only ' || human_count(present) || ' of ' || human_count(asked) || ' minutes have a request',
    'At ' || human_count(round(per_hour)) || ' requests an hour ' || human_share(filled, 1) || ' of minutes should',
    'Source ' || source_name || '; hourly counts and bytes may be understated',
    'SELECT hour_start, bit_count(bit_or(minutes)) AS minutes, sum(requests)::BIGINT AS requests FROM metrics_traffic_hourly WHERE source_name = '
        || sql_text(source_name) || ' AND ' || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' GROUP BY hour_start ORDER BY hour_start'
FROM dense WHERE per_hour >= 60 AND present < 0.4 * filled * asked
UNION ALL
SELECT 'warn', (quarantined / lines)::DOUBLE, 'Rejected lines',
    source_name || ': ' || human_count(quarantined) || ' of ' || plural(lines, 'line') || ' rejected (' || human_share(quarantined, lines) || ')',
    'Usual is under 1%', 'Source ' || source_name || CASE WHEN corrupt_objects > 0 THEN '; ' || plural(corrupt_objects, 'corrupt object') ELSE '' END,
    'SELECT uri, lines, quarantined, reject_reasons, problem FROM ledger WHERE source_name = ' || sql_text(source_name)
        || ' AND ' || sql_landed(getvariable('first_hour'), getvariable('last_hour')) || ' AND (quarantined > 0 OR problem IS NOT NULL) ORDER BY quarantined DESC, uri LIMIT 20'
FROM report.books WHERE lines > 0 AND (quarantined >= 0.01 * lines OR corrupt_objects > 0)
ORDER BY ALL
