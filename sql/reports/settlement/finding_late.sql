-- title: Still alone
SELECT 'bad' AS level, told.keys::DOUBLE AS rank, 'Still alone' AS headline,
    plural(told.keys, 'key') || ' from before these hours, ' || coalesce(amounts, 'without an amount') AS number,
    'When these hours began, the other half could still come; ' || plural(totals.window_hours, 'hour') || CASE WHEN totals.window_hours = 1 THEN ' is allowed' ELSE ' are allowed' END AS baseline,
    who, check_sql
FROM report.step_told AS told, report.totals AS totals WHERE told = 'late'
