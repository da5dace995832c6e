-- title: Completeness by source
-- reads: books, metrics_traffic_hourly, history_traffic_hourly
-- a minute without any request is missing; of a quiet site that is no fault. What has expired is not asked for. A source that was
-- there in the week before is asked for all hours, also where it has none
WITH minutes AS (
    SELECT source_name, sum(minutes)::BIGINT AS minutes FROM (
        SELECT source_name, hour_start, bit_count(bit_or(minutes)) AS minutes FROM metrics_traffic_hourly
        WHERE hour_start >= kept_since(source_name) GROUP BY source_name, hour_start)
    GROUP BY source_name
), published AS (
    SELECT source_name, count(*) AS hours_present, sum(staged)::BIGINT AS staged, sum(rows)::BIGINT AS published,
        sum(duplicates)::BIGINT AS duplicates
    FROM books
    WHERE dataset = 'web_access' AND hour_start BETWEEN getvariable('first_hour') AND getvariable('last_hour')
        AND hour_start >= kept_since(source_name)
    GROUP BY source_name
), silent AS (
    SELECT DISTINCT source_name, 0 AS hours_present, 0 AS minutes, 0 AS staged, 0 AS published, 0 AS duplicates
    FROM history_traffic_hourly ANTI JOIN published USING (source_name)
    WHERE hour_start >= getvariable('first_hour')::TIMESTAMP - INTERVAL 7 DAY AND hour_start < getvariable('first_hour')
        AND kept_since(source_name) <= getvariable('last_hour')::TIMESTAMP
), listed AS (
    FROM published LEFT JOIN minutes USING (source_name) UNION ALL BY NAME FROM silent
)
SELECT source_name, hours_present,
    date_diff('hour', greatest(getvariable('first_hour')::TIMESTAMP, kept_since(source_name)), getvariable('last_hour')::TIMESTAMP) + 1 AS hours_asked,
    minutes AS minutes_present, 60 * hours_asked AS minutes_asked,
    staged, published, duplicates
FROM listed ORDER BY source_name
