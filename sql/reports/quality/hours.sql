-- title: Hours present
-- note: Event hours whose rows are kept. Missing are those without a row; a log that is written only now and then misses some by nature.
-- reads: books, history_attribute_hourly
-- also of a source that was there in the week before and has no row now
WITH axis AS (
    SELECT unnest(generate_series(getvariable('first_hour')::TIMESTAMP, getvariable('last_hour')::TIMESTAMP, INTERVAL 1 HOUR)) AS hour_start
), listed AS (
    SELECT source_name, dataset FROM books UNION SELECT source_name, dataset FROM history_attribute_hourly
    WHERE hour_start >= getvariable('first_hour')::TIMESTAMP - INTERVAL 7 DAY AND hour_start < getvariable('first_hour')
), wanted AS (
    SELECT source_name, dataset, axis.hour_start FROM listed, axis WHERE axis.hour_start >= kept_since(source_name)
), present AS (
    SELECT wanted.*, books.rows, books.staged, books.duplicates,
        -- hours in a row that are missing have the same number
        count(books.rows) OVER (PARTITION BY wanted.source_name, wanted.dataset ORDER BY wanted.hour_start) AS hours_before
    FROM wanted LEFT JOIN books USING (source_name, dataset, hour_start)
), gaps AS (
    SELECT source_name, dataset, min(hour_start) AS first, max(hour_start) AS last, count(*) AS hours
    FROM present WHERE rows IS NULL GROUP BY source_name, dataset, hours_before
), longest AS (
    SELECT source_name, dataset, arg_max(strftime(first, '%Y-%m-%d %H:%M') || CASE WHEN hours > 1 THEN ' to ' || strftime(last, '%Y-%m-%d %H:%M') ELSE '' END,
        (hours, epoch(last) * -1)) AS longest_gap
    FROM gaps GROUP BY source_name, dataset
)
SELECT source_name, dataset, count(*) AS hours_asked, count(rows) AS hours_present, count(*) - count(rows) AS hours_missing, any_value(longest_gap) AS longest_gap,
    coalesce(sum(rows), 0)::BIGINT AS rows, coalesce(sum(duplicates), 0)::BIGINT AS duplicates
FROM present LEFT JOIN longest USING (source_name, dataset)
GROUP BY source_name, dataset ORDER BY source_name, dataset
