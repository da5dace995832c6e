-- title: requests, bytes and visitors by status class and robot
-- dataset: web_access
-- grain: hour_start, source_name, service_name, http_response_status_class, is_bot
-- visitors are counted once an hour, in the row of their first request: a sum over an hour's rows is the distinct count
-- in minutes, bit n is set where minute n has a request; merge with bit_or
WITH ranked AS (
    SELECT *, coalesce(http_response_status_code // 100 || 'xx', 'none') AS http_response_status_class,
        row_number() OVER (PARTITION BY visitor_id ORDER BY event_time, source_uri, source_line) = 1 AS is_first
    FROM events
)
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, http_response_status_class, is_bot,
    count(*)::BIGINT AS requests,
    count(*) FILTER (is_asset(url_path))::BIGINT AS assets,
    count(*) FILTER (parse_status = 'partial')::BIGINT AS partial,
    coalesce(sum(http_response_body_size_bytes), 0)::BIGINT AS bytes,
    count(*) FILTER (is_first)::BIGINT AS visitors,
    bit_or(1::BIGINT << minute(event_time))::BIGINT AS minutes
FROM ranked GROUP BY ALL
