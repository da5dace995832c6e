-- title: Where the time goes
-- note: Endpoints by the sum of their times: a fast one that is asked for often may cost more than a slow one.
-- reads: metrics_path_hourly
WITH endpoints AS (
    SELECT http_request_method, url_path, sum(timed_requests)::BIGINT AS timed_requests, sum(duration_sum_ms) AS total_ms
    FROM metrics_path_hourly WHERE timed_requests > 0 GROUP BY ALL
)
SELECT concat_ws(' ', http_request_method, coalesce(url_path, '(no path)')) AS endpoint, timed_requests, total_ms,
    total_ms / (SELECT sum(total_ms) FROM endpoints) AS share, total_ms / timed_requests AS mean_ms
FROM endpoints ORDER BY round(total_ms, 3) DESC, endpoint LIMIT 10
