-- title: Time to serve by status
-- reads: metrics_latency_hourly
WITH items AS (
    SELECT http_response_status_class, unnest(duration_histogram) AS item FROM metrics_latency_hourly
), merged AS (
    SELECT http_response_status_class, item.b AS b, sum(item.n)::BIGINT AS n FROM items GROUP BY ALL
), histograms AS (
    SELECT coalesce(http_response_status_class, 'all') AS http_response_status_class, list({'b': b, 'n': n} ORDER BY b) AS hist,
        sum(n)::BIGINT AS requests
    FROM (FROM merged UNION ALL SELECT NULL, b, sum(n)::BIGINT FROM merged GROUP BY b) GROUP BY ALL
)
SELECT http_response_status_class, requests, percentile(hist, 0.5) AS p50_ms, percentile(hist, 0.95) AS p95_ms, percentile(hist, 0.99) AS p99_ms
FROM histograms WHERE requests > 0 ORDER BY http_response_status_class = 'all' DESC, http_response_status_class
