-- title: Published hours that lost rows or were made again
-- reads: revisions
SELECT CASE WHEN sum(difference) < 0 THEN 'warn' ELSE 'info' END AS level, sum(abs(difference))::DOUBLE AS rank,
    'Published hours of ' || source_name || ' changed' AS headline,
    plural(count(DISTINCT (dataset, hour_start)), 'hour') || ', ' || signed_rows(sum(difference)) AS number,
    'They had ' || plural(sum(rows_before), 'row') || ' before, ' || human_count(sum(rows_after)) || ' after' AS baseline,
    'Reason: ' || reason || '; the largest is ' || arg_max(human_hour(hour_start) || ' with ' || signed_rows(difference), (abs(difference), -epoch(hour_start))) AS who,
    'SELECT * FROM revisions WHERE source_name = ' || sql_text(source_name) || ' AND reason = ' || sql_text(reason)
        || ' AND ' || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' ORDER BY hour_start, revision' AS check_sql
FROM revisions
WHERE reason NOT IN ('on_time', 'late') AND hour_start BETWEEN getvariable('first_hour') AND getvariable('last_hour')
GROUP BY source_name, reason ORDER BY source_name, reason
