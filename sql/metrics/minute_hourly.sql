-- title: requests by minute
-- dataset: web_access
-- grain: hour_start, source_name, service_name
-- minutes without a request are not listed
WITH counted AS (
    SELECT source_name, service_name, minute(event_time) AS minute, count(*) AS requests,
        count(*) FILTER (http_response_status_code >= 500) AS server_errors,
        count(duration_ms) AS timed_requests, sum((duration_ms * 1000)::HUGEINT) AS duration_us
    FROM events GROUP BY ALL
)
SELECT getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name,
    sum(requests)::BIGINT AS requests,
    count(*)::TINYINT AS minutes_present,
    list({'minute': minute, 'requests': requests, 'server_errors': server_errors, 'timed_requests': timed_requests,
          'duration_sum_ms': coalesce(duration_us, 0) / 1000} ORDER BY minute)
        ::STRUCT(minute TINYINT, requests UINTEGER, server_errors UINTEGER, timed_requests UINTEGER, duration_sum_ms DOUBLE)[] AS minutes
FROM counted GROUP BY ALL
