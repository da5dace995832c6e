-- title: Sessions over time
-- note: By the time of their first event, UTC; after two weeks by day, after two years by month.
-- chart: stacked_bars x=hour_start y=completed,abandoned,open unit=count
-- labels: completed=Completed; abandoned=Abandoned; open=Open at the end
-- colours: blue, sand, light
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first, getvariable('last_hour')::TIMESTAMP AS last, step_of(first, last) AS step
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, first), last, ('1 ' || step)::INTERVAL)) AS hour_start FROM period
), sessions AS (
    SELECT date_trunc(step, began) AS hour_start, outcome FROM report.step_sessions, period WHERE part = 'here'
)
SELECT hour_start, count(*) FILTER (outcome = 'completed') AS completed, count(*) FILTER (outcome = 'abandoned') AS abandoned, count(*) FILTER (outcome = 'open') AS open
FROM axis LEFT JOIN sessions USING (hour_start) GROUP BY hour_start ORDER BY hour_start
