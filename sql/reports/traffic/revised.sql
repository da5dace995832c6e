-- title: Revised hours
-- reads: revisions
-- what landed in its own hour or the next one completes an hour and is no revision of it
SELECT source_name, hour_start, count(*) AS revisions, arg_min(rows_before, revision) AS rows_first, arg_max(rows_after, revision) AS rows_now,
    sum(difference)::BIGINT AS difference, string_agg(DISTINCT reason, ', ' ORDER BY reason) AS reasons
FROM revisions
WHERE dataset = 'web_access' AND reason <> 'on_time' AND hour_start BETWEEN getvariable('first_hour') AND getvariable('last_hour')
GROUP BY source_name, hour_start ORDER BY source_name, hour_start
