-- title: Completeness by source
-- reads: books, metrics_traffic_hourly
-- a minute without any request is missing; of a quiet site that is no fault
WITH minutes AS (
    SELECT source_name, sum(minutes)::BIGINT AS minutes FROM (
        SELECT source_name, hour_start, bit_count(bit_or(minutes)) AS minutes FROM metrics_traffic_hourly GROUP BY source_name, hour_start)
    GROUP BY source_name
), published AS (
    SELECT source_name, count(*) AS hours_present, sum(staged)::BIGINT AS staged, sum(rows)::BIGINT AS published,
        sum(duplicates)::BIGINT AS duplicates
    FROM books
    WHERE dataset = 'web_access' AND hour_start BETWEEN getvariable('first_hour') AND getvariable('last_hour')
    GROUP BY source_name
)
SELECT source_name, hours_present, date_diff('hour', getvariable('first_hour'), getvariable('last_hour')) + 1 AS hours_asked,
    coalesce(minutes, 0) AS minutes_present, 60 * (date_diff('hour', getvariable('first_hour'), getvariable('last_hour')) + 1) AS minutes_asked,
    staged, published, duplicates
FROM published LEFT JOIN minutes USING (source_name) ORDER BY source_name
