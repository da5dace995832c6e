-- title: Duplicate keys and rows that cannot be compared
SELECT 'warn' AS level, told.keys::DOUBLE AS rank, CASE WHEN told = 'duplicate' THEN 'Duplicate keys' ELSE 'Rows that cannot be compared' END AS headline,
    CASE WHEN told = 'duplicate' THEN plural(told.keys, 'key') || ' with ' || plural(told.rows, 'row') || ' on the two sides'
         ELSE plural(told.problem_rows, 'row') || ', for example: ' || told.problem END AS number,
    'Of ' || plural(totals.groups, 'key') || ' ' || human_count(totals.matched) || CASE WHEN totals.matched = 1 THEN ' matches' ELSE ' match' END AS baseline,
    who, check_sql
FROM report.step_told AS told, report.totals AS totals WHERE told IN ('duplicate', 'unreadable')
ORDER BY told
