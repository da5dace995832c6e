-- title: Worst minutes
-- note: The minutes with the longest time in pauses, beside the web traffic of the same minute; usual is the median minute of that hour.
-- reads: metrics_gc_hourly, metrics_minute_hourly
WITH worst AS (
    SELECT service_name, host_name, unnest(worst_minutes, recursive := true) FROM metrics_gc_hourly
), listed AS (
    SELECT * FROM worst ORDER BY pause_ms DESC, minute, service_name, host_name LIMIT 15
), traffic AS (
    SELECT hour_start, unnest(minutes) AS m FROM metrics_minute_hourly WHERE hour_start IN (SELECT date_trunc('hour', minute) FROM listed)
), requests AS (
    SELECT hour_start, hour_start + to_minutes(m.minute) AS minute, sum(m.requests)::BIGINT AS requests, sum(m.server_errors)::BIGINT AS server_errors,
        (sum(m.duration_sum_ms) / nullif(sum(m.timed_requests), 0))::DOUBLE AS mean_ms
    FROM traffic GROUP BY ALL
), usual AS (
    -- minutes without a request count
    SELECT hour_start, list_sort(list_resize(list(requests), 60, 0)) AS requests, median(mean_ms) AS mean_ms FROM requests GROUP BY hour_start
)
SELECT listed.minute, service_name || coalesce(' on ' || host_name, '') AS jvm, pauses::BIGINT AS pauses, pause_ms, longest_ms,
    coalesce(jvm_gc_cause, jvm_gc_action) AS cause,
    CASE WHEN usual.requests IS NOT NULL THEN coalesce(requests.requests, 0) END AS requests,
    (usual.requests[30] + usual.requests[31]) / 2 AS usual_requests,
    requests.server_errors, requests.mean_ms, usual.mean_ms AS usual_mean_ms
FROM listed LEFT JOIN usual ON usual.hour_start = date_trunc('hour', listed.minute) LEFT JOIN requests ON requests.minute = listed.minute
ORDER BY pause_ms DESC, listed.minute, jvm
