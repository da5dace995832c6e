-- title: log-bucket histograms of the time to serve, mergeable, any percentile within 1%
-- dataset: web_access
-- grain: hour_start, source_name, service_name, http_response_status_class
-- bucket = ceil(ln(greatest(ms, 0.001)) / ln(1.02)); merge by adding n of equal b; see percentile(hist, p)
WITH bucketed AS (
    SELECT source_name, service_name, coalesce(http_response_status_code // 100 || 'xx', 'none') AS http_response_status_class,
        latency_bucket(duration_ms) AS b, count(*)::UINTEGER AS n,
        sum((duration_ms * 1000)::HUGEINT) AS total_us
    FROM events WHERE duration_ms IS NOT NULL GROUP BY ALL
)
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, http_response_status_class,
    sum(n)::BIGINT AS requests,
    (sum(total_us) / 1000)::DOUBLE AS duration_sum_ms,
    list({'b': b, 'n': n} ORDER BY b)::STRUCT(b SMALLINT, n UINTEGER)[] AS duration_histogram
FROM bucketed GROUP BY ALL
