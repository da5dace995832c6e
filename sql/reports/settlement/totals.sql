-- title: Totals
WITH keys AS (
    SELECT * FROM report.step_keys WHERE is_here
)
SELECT count(*) AS groups, count(*) FILTER (state IN ('matched', 'matched across')) AS matched, count(*) FILTER (state = 'matched across') AS across,
    count(*) FILTER (state = 'open') AS open, count(*) FILTER (state IN ('amount differs', 'currency differs')) AS differing,
    count(*) FILTER (state = 'left only') AS left_only, count(*) FILTER (state = 'right only') AS right_only,
    count(*) FILTER (state = 'duplicate') AS duplicates, count(*) FILTER (state = 'unreadable') AS unreadable, (SELECT count(*) FROM report.step_keys WHERE is_late) AS late,
    (SELECT count(*) FROM report.step_rows WHERE is_here AND side = 'left') AS left_rows,
    (SELECT count(*) FROM report.step_rows WHERE is_here AND side = 'right') AS right_rows,
    getvariable('left_title') AS left_title, getvariable('right_title') AS right_title,
    getvariable('window_hours') AS window_hours, getvariable('zone') AS zone
FROM keys
