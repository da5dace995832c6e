-- title: event hours without rows, where there was no hour without for a day
-- severity: critical
-- reads: books
-- resolved: rows arrive again, or there were none for three days
-- The delay with which rows land here is that of the last day: rows that always come three hours late are not missing before.
WITH present AS (
    SELECT dataset, hour_start, strptime(list_min(landing_hours), '%Y-%m-%dT%H') AS landed FROM books
    WHERE source_name = getvariable('source_name') AND rows > 0 AND hour_start <= getvariable('landing_hour')
), newest AS (
    SELECT dataset, max(hour_start) AS newest FROM present GROUP BY dataset
), usual AS (
    SELECT dataset, newest, count(*) AS hours, max(date_diff('hour', hour_start, landed)) AS delay
    FROM present JOIN newest USING (dataset) WHERE hour_start > newest - INTERVAL 24 HOUR GROUP BY ALL
)
SELECT dataset AS key,
    'No rows of ' || dataset || ' since ' || strftime(newest + INTERVAL 1 HOUR, '%Y-%m-%d %H:%M') || ' UTC' AS headline,
    'each of the 24 hours before had some' AS detail,
    'etl books ' || getvariable('source_name') || ' --from ' || strftime(newest, '%Y-%m-%dT%H') || ' --to ' || strftime(getvariable('landing_hour'), '%Y-%m-%dT%H') AS check_sql
FROM usual WHERE hours = 24 AND date_diff('hour', newest, getvariable('landing_hour')) > greatest(delay, 1)
