-- title: Amount or currency differs
SELECT 'bad' AS level, told.keys::DOUBLE AS rank, CASE WHEN told = 'amount differs' THEN 'Amounts differ' ELSE 'Currencies differ' END AS headline,
    plural(told.keys, 'key') || CASE WHEN told = 'amount differs' THEN ' with two amounts, apart by ' || amounts ELSE ' with two currencies, ' || amounts || ' in ' || totals.left_title END AS number,
    'Of ' || plural(totals.groups, 'key') || ' ' || human_count(totals.matched) || CASE WHEN totals.matched = 1 THEN ' matches' ELSE ' match' END AS baseline,
    who, check_sql
FROM report.step_told AS told, report.totals AS totals WHERE told IN ('amount differs', 'currency differs')
ORDER BY told
