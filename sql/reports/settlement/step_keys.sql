-- title: Groups of rows with one key, and what became of them
WITH known AS (
    SELECT max(event_time) AS until FROM report.step_rows
), groups AS (
    SELECT grp, min(key) AS key, coalesce(min(merchant) FILTER (side = 'left'), min(merchant)) AS merchant,
        count(*) FILTER (side = 'left') AS left_rows, count(*) FILTER (side = 'right') AS right_rows,
        sum(amount) FILTER (side = 'left') AS left_amount, sum(amount) FILTER (side = 'right') AS right_amount,
        min(currency) FILTER (side = 'left') AS left_currency, min(currency) FILTER (side = 'right') AS right_currency,
        min(event_time) AS first_time, max(event_time) AS last_time, min(event_time) FILTER (is_here) AS here_time,
        bool_or(is_here) AS is_here, bool_and(is_here) AS is_all_here,
        min(problem) AS problem, count(problem) AS problem_rows
    FROM report.step_rows GROUP BY grp
), judged AS (
    SELECT groups.*,
        CASE WHEN problem IS NOT NULL THEN 'unreadable'
             WHEN left_rows > 1 OR right_rows > 1 THEN 'duplicate'
             WHEN left_rows = 1 AND right_rows = 1 THEN CASE WHEN left_currency <> right_currency THEN 'currency differs' WHEN left_amount <> right_amount THEN 'amount differs'
                 WHEN is_all_here THEN 'matched' ELSE 'matched across' END
             -- the other half may still come
             WHEN last_time + to_hours(getvariable('window_hours')) > known.until THEN 'open'
             WHEN right_rows = 0 THEN 'left only' ELSE 'right only' END AS state
    FROM groups, known
)
SELECT *, key IS NOT NULL AND count(*) OVER (PARTITION BY key) > 1 AS is_elsewhere,
    NOT is_here AND state IN ('left only', 'right only') AND last_time < getvariable('first_hour')
        AND last_time >= getvariable('first_hour')::TIMESTAMP - to_hours(getvariable('window_hours')) AS is_late
FROM judged
