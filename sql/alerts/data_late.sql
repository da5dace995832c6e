-- title: objects that arrived with events of hours long past, where that is not usual
-- severity: info
-- reads: ledger
-- resolved: no late object for 24 hours
-- An object is late when all its events are older than the hour before the one it arrived in. Where more than one in twenty of
-- the two days before was late, that is how this source is.
WITH arrived AS (
    SELECT *, date_trunc('hour', modified) AS arrival, last_event < date_trunc('hour', modified) - INTERVAL 1 HOUR AS is_late
    FROM ledger
    WHERE source_name = getvariable('source_name') AND rows > 0 AND modified < getvariable('landing_hour') + INTERVAL 1 HOUR
), counted AS (
    SELECT count(*) FILTER (is_late AND arrival > getvariable('landing_hour') - INTERVAL 24 HOUR) AS objects,
        coalesce(sum(rows) FILTER (is_late AND arrival > getvariable('landing_hour') - INTERVAL 24 HOUR), 0)::BIGINT AS rows,
        min(first_event) FILTER (is_late AND arrival > getvariable('landing_hour') - INTERVAL 24 HOUR) AS first_event,
        max(last_event) FILTER (is_late AND arrival > getvariable('landing_hour') - INTERVAL 24 HOUR) AS last_event,
        count(*) FILTER (arrival <= getvariable('landing_hour') - INTERVAL 24 HOUR) AS earlier,
        count(*) FILTER (is_late AND arrival <= getvariable('landing_hour') - INTERVAL 24 HOUR) AS earlier_late
    FROM arrived
)
SELECT 'late' AS key, 'Late data: ' || rows || ' rows in ' || objects || CASE WHEN objects = 1 THEN ' object' ELSE ' objects' END AS headline,
    'events from ' || strftime(first_event, '%Y-%m-%d %H:%M') || ' to ' || strftime(last_event, '%Y-%m-%d %H:%M')
        || ' UTC; these hours are published again' AS detail,
    'etl revisions --source ' || getvariable('source_name') AS check_sql
FROM counted WHERE objects > 0 AND earlier >= 24 AND 20 * earlier_late <= earlier
