-- title: clearly more rejected lines than in the landing hours of the three days before
-- severity: warning
-- reads: ledger
-- resolved: no longer more than usual
WITH hours AS (
    SELECT landing_hour, sum(quarantined)::BIGINT AS quarantined, sum(lines)::BIGINT AS lines,
        arg_max(uri, quarantined) AS uri, arg_max(map_keys(reject_reasons)[1], quarantined) AS reason
    FROM ledger WHERE source_name = getvariable('source_name') GROUP BY landing_hour HAVING sum(lines) > 0
), compared AS (
    SELECT latest.*, list(earlier.quarantined / earlier.lines * latest.lines ORDER BY earlier.landing_hour) AS earlier
    FROM hours AS latest JOIN hours AS earlier ON earlier.landing_hour < latest.landing_hour
    WHERE latest.landing_hour = getvariable('landing_hour') GROUP BY ALL
)
SELECT 'rejects' AS key, 'Rejected: ' || quarantined || ' of ' || lines || ' lines, usually ' || round(usual_of(earlier))::BIGINT AS headline,
    'most in ' || uri || ', for example: ' || reason AS detail,
    'etl sql "SELECT reject_reason, count(*) FROM quarantine WHERE source_name = ''' || getvariable('source_name') || ''' GROUP BY ALL" --from '
        || strftime(landing_hour, '%Y-%m-%dT%H') || ' --to ' || strftime(landing_hour, '%Y-%m-%dT%H') AS check_sql
FROM compared
WHERE len(earlier) >= 24 AND quarantined >= 10 AND quarantined >= 2 * usual_of(earlier) AND is_unusual(quarantined, earlier, 0.1)
