-- title: Rows that landed late
-- note: By event hour: rows that landed two hours or more after it. What lands in the next hour completes an hour and is not late.
-- reads: books
-- chart: stacked_bars x=hour_start y=hours_later,days_later
-- labels: hours_later=Up to a day later; days_later=Later
-- colours: amber, red
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first, getvariable('last_hour')::TIMESTAMP AS last, step_of(first, last) AS step
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, first), last, ('1 ' || step)::INTERVAL)) AS hour_start FROM period
), slices AS (
    SELECT hour_start, unnest(map_entries(rows_by_landing_hour)) AS slice FROM books
), delayed AS (
    SELECT date_trunc(step, hour_start) AS hour_start, date_diff('hour', hour_start, strptime(slice.key, '%Y-%m-%dT%H')) AS hours, slice.value AS rows
    FROM slices, period
)
SELECT hour_start, coalesce(sum(rows) FILTER (hours BETWEEN 2 AND 24), 0)::BIGINT AS hours_later,
    coalesce(sum(rows) FILTER (hours > 24), 0)::BIGINT AS days_later
FROM axis LEFT JOIN delayed USING (hour_start) GROUP BY hour_start ORDER BY hour_start
