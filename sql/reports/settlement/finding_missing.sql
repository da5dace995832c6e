-- title: On one side only
SELECT 'bad' AS level, told.keys::DOUBLE AS rank, 'Only in ' || CASE WHEN told = 'left only' THEN getvariable('left_title') ELSE getvariable('right_title') END AS headline,
    plural(told.keys, 'key') || ' that ' || CASE WHEN told = 'left only' THEN getvariable('right_title') ELSE getvariable('left_title') END
        || ' does not have, ' || coalesce(amounts, 'without an amount') AS number,
    'Of ' || plural(totals.groups, 'key') || ' ' || human_count(totals.matched) || CASE WHEN totals.matched = 1 THEN ' matches' ELSE ' match' END AS baseline,
    who, check_sql
FROM report.step_told AS told, report.totals AS totals WHERE told IN ('left only', 'right only')
ORDER BY told
