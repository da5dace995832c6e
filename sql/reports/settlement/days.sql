-- title: By day, merchant and currency
-- note: What either side says of a day, whether it matched or not. Days that differ come first where there are too many to list.
WITH named AS (
    -- a side that names no merchant has that of the other side's row
    SELECT timezone(getvariable('zone'), event_time AT TIME ZONE 'UTC')::DATE AS day, coalesce(r.merchant, k.merchant) AS merchant, currency, side, amount
    FROM report.step_rows AS r JOIN report.step_keys AS k ON k.grp = r.grp WHERE r.is_here
), days AS (
    SELECT day, merchant, currency, count(*) FILTER (side = 'left') AS left_rows, coalesce(sum(amount) FILTER (side = 'left'), 0) AS left_amount,
        count(*) FILTER (side = 'right') AS right_rows, coalesce(sum(amount) FILTER (side = 'right'), 0) AS right_amount
    FROM named GROUP BY day, merchant, currency
), listed AS (
    SELECT * FROM days ORDER BY left_amount = right_amount AND left_rows = right_rows, day, merchant, currency LIMIT 500
)
SELECT day, merchant, coalesce(currency, 'none') AS currency, left_rows, money(left_amount, currency) AS left_amount, right_rows, money(right_amount, currency) AS right_amount,
    money(left_amount - right_amount, currency) AS difference
FROM listed ORDER BY day, listed.merchant, listed.currency NULLS LAST
