-- title: far more or fewer rows than usual for that weekday and hour
-- severity: warning
-- reads: books, usual_hours
-- resolved: rows are as usual again
-- The table usual_hours has the rows of the event hour before the landing hour, which is complete now, and of the same hour of the
-- eight weeks before.
-- Silent where rows usually land later than that.
WITH delays AS (
    SELECT dataset, median(date_diff('hour', hour_start, strptime(list_min(landing_hours), '%Y-%m-%dT%H'))) AS delay
    FROM books WHERE source_name = getvariable('source_name') AND hour_start < getvariable('landing_hour') GROUP BY dataset
), hours AS (
    SELECT dataset, max(rows) FILTER (hour_start = getvariable('landing_hour') - INTERVAL 1 HOUR) AS found,
        coalesce(list(rows ORDER BY hour_start) FILTER (hour_start < getvariable('landing_hour') - INTERVAL 1 HOUR AND rows > 0), []) AS earlier
    FROM usual_hours GROUP BY dataset
)
SELECT dataset || CASE WHEN found > usual_of(earlier) THEN '/more' ELSE '/fewer' END AS key,
    dataset || ': ' || found || ' rows from ' || strftime(getvariable('landing_hour') - INTERVAL 1 HOUR, '%Y-%m-%d %H:%M')
        || ' to ' || strftime(getvariable('landing_hour'), '%H:%M') || ' UTC, usually ' || round(usual_of(earlier))::BIGINT AS headline,
    'median of the same hour of ' || len(earlier) || ' weeks' AS detail,
    'etl books ' || getvariable('source_name') || ' --from ' || strftime(getvariable('landing_hour') - INTERVAL 1 HOUR, '%Y-%m-%dT%H')
        || ' --to ' || strftime(getvariable('landing_hour') - INTERVAL 1 HOUR, '%Y-%m-%dT%H') AS check_sql
FROM hours JOIN delays USING (dataset)
WHERE found > 0 AND delay <= 0 AND is_unusual(found, earlier, 0.1)
