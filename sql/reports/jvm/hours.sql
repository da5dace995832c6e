-- title: Time in pauses
-- note: UTC, all JVMs together; after two weeks by day, after two years by month.
-- reads: metrics_gc_hourly
-- chart: bars x=hour_start y=pause_sum_ms unit=ms
-- labels: pause_sum_ms=Pauses
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first, getvariable('last_hour')::TIMESTAMP AS last, step_of(first, last) AS step
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, first), last, ('1 ' || step)::INTERVAL)) AS hour_start FROM period
), hours AS (
    SELECT date_trunc(step, hour_start) AS hour_start, pause_sum_ms FROM metrics_gc_hourly, period
)
SELECT hour_start, coalesce(sum(pause_sum_ms), 0)::DOUBLE AS pause_sum_ms
FROM axis LEFT JOIN hours USING (hour_start) GROUP BY hour_start ORDER BY hour_start
