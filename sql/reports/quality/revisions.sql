-- title: Revisions
-- note: Published hours that changed afterwards, newest first. What landed in the hour itself or the next completes it and is not shown.
-- reads: revisions
SELECT revised_time, source_name, dataset, hour_start, revision, reason, rows_before, rows_after, difference
FROM revisions
WHERE reason <> 'on_time' AND hour_start BETWEEN getvariable('first_hour') AND getvariable('last_hour')
ORDER BY revised_time DESC, source_name, dataset, hour_start, revision DESC LIMIT 50
