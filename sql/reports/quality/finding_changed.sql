-- title: Published hours that lost rows or were made again
-- reads: revisions
-- an hour may change more than once: it had the rows before its first change
WITH hours AS (
    SELECT source_name, reason, dataset, hour_start, arg_min(rows_before, revision) AS rows_before, sum(difference)::BIGINT AS difference
    FROM revisions
    WHERE reason NOT IN ('on_time', 'late') AND hour_start BETWEEN getvariable('first_hour') AND getvariable('last_hour')
    GROUP BY ALL
)
SELECT CASE WHEN sum(difference) < 0 THEN 'warn' ELSE 'info' END AS level, sum(abs(difference))::DOUBLE AS rank,
    'Published hours of ' || source_name || ' changed' AS headline,
    plural(count(*), 'hour') || ', ' || signed_rows(sum(difference)) AS number,
    'They had ' || plural(sum(rows_before), 'row') || ' before, ' || human_count(sum(rows_before) + sum(difference)) || ' after' AS baseline,
    'Reason: ' || reason || '; the largest is ' || arg_max(human_hour(hour_start) || ' with ' || signed_rows(difference), (abs(difference), -epoch(hour_start), dataset)) AS who,
    'SELECT * FROM revisions WHERE source_name = ' || sql_text(source_name) || ' AND reason = ' || sql_text(reason)
        || ' AND ' || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' ORDER BY hour_start, revision' AS check_sql
FROM hours GROUP BY source_name, reason ORDER BY source_name, reason
