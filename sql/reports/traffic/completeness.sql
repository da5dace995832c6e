-- title: Completeness by source
-- reads: books
SELECT source_name, count(*) AS hours_present,
    date_diff('hour', getvariable('first_hour'), getvariable('last_hour')) + 1 AS hours_asked,
    sum(staged)::BIGINT AS staged, sum(rows)::BIGINT AS published, sum(duplicates)::BIGINT AS duplicates
FROM books
WHERE dataset = 'web_access' AND hour_start BETWEEN getvariable('first_hour') AND getvariable('last_hour')
GROUP BY source_name ORDER BY source_name
