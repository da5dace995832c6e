-- title: Lines by fate
-- note: UTC, by the hour in which they landed; after two weeks by day, after two years by month.
-- reads: ledger
-- chart: stacked_bars x=hour_start y=row_lines,ignored,quarantined
-- labels: row_lines=In rows; ignored=Ignored; quarantined=Quarantined
-- colours: blue, sand, red
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first, getvariable('last_hour')::TIMESTAMP AS last, step_of(first, last) AS step
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, first), last, ('1 ' || step)::INTERVAL)) AS hour_start FROM period
), landed AS (
    SELECT date_trunc(step, landing_hour) AS hour_start, row_lines + joined_out - joined_in AS row_lines, ignored, quarantined FROM ledger, period
)
SELECT hour_start, coalesce(sum(row_lines), 0)::BIGINT AS row_lines, coalesce(sum(ignored), 0)::BIGINT AS ignored,
    coalesce(sum(quarantined), 0)::BIGINT AS quarantined
FROM axis LEFT JOIN landed USING (hour_start) GROUP BY hour_start ORDER BY hour_start
