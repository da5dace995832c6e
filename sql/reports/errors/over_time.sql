-- title: Errors over time
-- note: UTC, by the state of their group.
-- reads: metrics_error_hourly
-- chart: stacked_bars x=hour_start y=new,regressed,escalating,known
-- labels: new=New; regressed=Regressed; escalating=Escalating; known=Known
-- colours: violet, amber, red, sand
WITH asked AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first_hour, getvariable('last_hour')::TIMESTAMP AS last_hour,
        error_step(getvariable('first_hour')::TIMESTAMP, getvariable('last_hour')::TIMESTAMP) AS step
), axis AS (
    SELECT unnest(generate_series(date_trunc(step, first_hour), last_hour, ('1 ' || step)::INTERVAL)) AS moment, step FROM asked
), states AS (
    SELECT source_name, service_name, error_fingerprint, state
    FROM report.groups
), counted AS (
    SELECT date_trunc(step, hour_start) AS moment,
        sum(errors) FILTER (state = 'new') AS new, sum(errors) FILTER (state = 'regressed') AS regressed,
        sum(errors) FILTER (state = 'escalating') AS escalating, sum(errors) FILTER (state = 'known') AS known
    FROM metrics_error_hourly JOIN states USING (source_name, service_name, error_fingerprint), asked GROUP BY ALL
)
SELECT moment AS hour_start, step, coalesce(new, 0)::BIGINT AS new, coalesce(regressed, 0)::BIGINT AS regressed,
    coalesce(escalating, 0)::BIGINT AS escalating, coalesce(known, 0)::BIGINT AS known
FROM axis LEFT JOIN counted USING (moment) ORDER BY moment
