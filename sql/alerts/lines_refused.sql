-- title: landing hours that are over the quarantine limit, of which nothing was written
-- severity: critical
-- reads: refused
-- resolved: these hours were processed
SELECT 'refused' AS key,
    'Over the quarantine limit: ' || sum(quarantined) || ' of ' || sum(lines) || ' lines; nothing of them was written' AS headline,
    'landing hours ' || strftime(min(landing_hour), '%Y-%m-%dT%H') || ' to ' || strftime(max(landing_hour), '%Y-%m-%dT%H')
        || ': ' || arg_max(message, landing_hour) AS detail,
    'etl run ' || getvariable('source_name') || ' --from ' || strftime(min(landing_hour), '%Y-%m-%dT%H') || ' --to '
        || strftime(max(landing_hour), '%Y-%m-%dT%H') AS check_sql
FROM refused HAVING count(*) > 0
