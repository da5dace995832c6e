-- title: Where the money is
-- note: Every row of these hours is in one line. The last line of a currency is added up from the rows alone, without looking at keys.
WITH states AS (
    SELECT unnest(['matched', 'matched across', 'open', 'amount differs', 'currency differs', 'left only', 'right only', 'duplicate', 'unreadable']) AS state,
        unnest(range(9)) AS place
), parts AS (
    SELECT currency, state, place, count(*) FILTER (side = 'left') AS left_rows, coalesce(sum(amount) FILTER (side = 'left'), 0) AS left_amount,
        count(*) FILTER (side = 'right') AS right_rows, coalesce(sum(amount) FILTER (side = 'right'), 0) AS right_amount
    FROM report.step_rows AS r JOIN report.step_keys AS k ON k.grp = r.grp JOIN states USING (state) WHERE r.is_here GROUP BY r.currency, state, place
), together AS (
    SELECT currency, sum(left_rows) AS left_rows, sum(left_amount) AS left_amount, sum(right_rows) AS right_rows, sum(right_amount) AS right_amount FROM parts GROUP BY currency
), alone AS (
    SELECT currency, count(*) FILTER (side = 'left') AS left_rows, coalesce(sum(amount) FILTER (side = 'left'), 0) AS left_amount,
        count(*) FILTER (side = 'right') AS right_rows, coalesce(sum(amount) FILTER (side = 'right'), 0) AS right_amount
    FROM report.step_rows WHERE is_here GROUP BY currency
), listed AS (
    SELECT *, NULL::BOOLEAN AS agrees FROM parts
    UNION ALL BY NAME
    SELECT alone.currency, 'all rows' AS state, 9 AS place, alone.left_rows, alone.left_amount, alone.right_rows, alone.right_amount,
        coalesce((alone.left_rows, alone.left_amount, alone.right_rows, alone.right_amount)
            = (together.left_rows, together.left_amount, together.right_rows, together.right_amount), false) AS agrees
    FROM alone LEFT JOIN together ON together.currency IS NOT DISTINCT FROM alone.currency
)
SELECT coalesce(currency, 'none') AS currency, state, left_rows::BIGINT AS left_rows, money(left_amount, currency) AS left_amount,
    right_rows::BIGINT AS right_rows, money(right_amount, currency) AS right_amount, money(left_amount - right_amount, currency) AS difference, agrees
FROM listed ORDER BY listed.currency NULLS LAST, place
