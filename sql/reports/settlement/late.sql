-- title: Open when these hours began, and still alone
-- note: Rows from before these hours that could still find their other half then, and did not.
SELECT key, state, merchant, first_time, money(coalesce(left_amount, right_amount), coalesce(left_currency, right_currency)) || ' ' || coalesce(left_currency, right_currency) AS amount,
    coalesce(left_places, right_places)[1] AS place
FROM report.step_odd
WHERE is_late ORDER BY first_time, key, first_event LIMIT 200
