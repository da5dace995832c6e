-- title: Keys over time
-- note: By the time of their first row, UTC; after two weeks by day, after two years by month.
-- chart: stacked_bars x=hour_start y=matched,open,differing,missing,other unit=count
-- labels: matched=Matched; open=Open; differing=Amount or currency differs; missing=On one side only; other=Duplicate or unreadable
-- colours: blue, light, amber, red, slate
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first, getvariable('last_hour')::TIMESTAMP AS last, step_of(first, last) AS step
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, first), last, ('1 ' || step)::INTERVAL)) AS hour_start FROM period
), keys AS (
    SELECT date_trunc(step, here_time) AS hour_start, state FROM report.step_keys, period WHERE is_here
)
SELECT hour_start, count(*) FILTER (state IN ('matched', 'matched across')) AS matched, count(*) FILTER (state = 'open') AS open,
    count(*) FILTER (state IN ('amount differs', 'currency differs')) AS differing,
    count(*) FILTER (state IN ('left only', 'right only')) AS missing, count(*) FILTER (state IN ('duplicate', 'unreadable')) AS other
FROM axis LEFT JOIN keys USING (hour_start) GROUP BY hour_start ORDER BY hour_start
