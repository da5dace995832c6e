-- title: Bandwidth
-- note: Red: the three busiest, with their largest network. Whether one stands out of its usual range is said above.
-- reads: metrics_traffic_hourly, metrics_client_hourly
-- chart: bars x=hour_start y=bytes unit=size mark=largest height=100
-- labels: bytes=Bandwidth
-- colours: slate
WITH axis AS (
    SELECT unnest(period_steps(getvariable('first_hour'), getvariable('last_hour'))) AS hour_start
), hours AS (
    SELECT date_trunc(period_step(getvariable('first_hour'), getvariable('last_hour')), hour_start) AS hour_start, sum(bytes)::BIGINT AS bytes
    FROM metrics_traffic_hourly GROUP BY ALL
), ranked AS (
    SELECT hour_start, coalesce(bytes, 0) AS bytes, row_number() OVER (ORDER BY bytes DESC NULLS LAST, hour_start) AS place
    FROM axis LEFT JOIN hours USING (hour_start)
), networks AS (
    SELECT hour_start, client_network, sum(bytes)::BIGINT AS part FROM (
        SELECT date_trunc(period_step(getvariable('first_hour'), getvariable('last_hour')), hour_start) AS hour_start, client_network, bytes
        FROM metrics_client_hourly)
    WHERE hour_start IN (SELECT hour_start FROM ranked WHERE place <= 3) GROUP BY ALL
), largest AS (
    SELECT hour_start, arg_max(coalesce(client_network, 'no address'), (part, client_network)) AS network FROM networks GROUP BY hour_start
)
SELECT hour_start, bytes, CASE WHEN place <= 3 AND bytes > 0 AND (SELECT count(*) FROM axis) > 3
    THEN human_bytes(bytes) || coalesce(' · ' || network, '') END AS largest
FROM ranked LEFT JOIN largest USING (hour_start) ORDER BY hour_start
