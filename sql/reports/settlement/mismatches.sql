-- title: Keys that do not match
-- note: With every row behind them: raw object and line. Of more than 500 keys the largest amounts of each kind and currency are listed.
WITH odd AS (
    SELECT *, list_position(['left only', 'right only', 'amount differs', 'currency differs', 'duplicate', 'unreadable', 'open'], state) AS place,
        coalesce(left_currency, right_currency) AS currency, coalesce(left_amount, 0) - coalesce(right_amount, 0) AS apart
    FROM report.step_odd WHERE is_here
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY state, currency ORDER BY abs(apart) DESC, key, first_time, first_event) AS rank FROM odd
), listed AS (
    SELECT * FROM ranked ORDER BY rank, place, currency LIMIT 500
)
SELECT key, state, merchant, first_time,
    money(left_amount, left_currency) || ' ' || left_currency AS left_amount, money(right_amount, right_currency) || ' ' || right_currency AS right_amount,
    CASE WHEN left_currency = right_currency AND left_amount IS NOT NULL AND right_amount IS NOT NULL THEN money(apart, left_currency) || ' ' || left_currency END AS difference,
    coalesce(left_places[:10], []) AS left_places, coalesce(right_places[:10], []) AS right_places, (left_rows + right_rows)::BIGINT AS rows,
    CASE WHEN problem IS NOT NULL THEN problem WHEN is_elsewhere AND state IN ('left only', 'right only') THEN 'the same key is there outside the window' END AS remark
FROM listed ORDER BY place, currency, rank
