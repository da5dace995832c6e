-- title: New attributes
-- note: Fields without a column, first seen in these hours; compared with up to eight weeks before.
-- reads: history_attribute_hourly
WITH hours AS (
    SELECT source_name, dataset, min(hour_start) AS known_since FROM history_attribute_hourly GROUP BY ALL
), named AS (
    SELECT source_name, dataset, attribute, min(hour_start) AS first_seen, max(hour_start) AS last_seen, sum(rows)::BIGINT AS rows
    FROM history_attribute_hourly WHERE attribute <> '' GROUP BY ALL
), told AS (
    SELECT source_name, dataset, hour_start, rows FROM history_attribute_hourly WHERE attribute = ''
), placed AS (
    SELECT named.*, date_diff('hour', known_since, first_seen) AS hours_without
    FROM named JOIN hours USING (source_name, dataset)
    WHERE first_seen BETWEEN getvariable('first_hour') AND getvariable('last_hour') AND first_seen > known_since
)
SELECT source_name, dataset, attribute, first_seen, last_seen, placed.rows, hours_without,
    (any_value(placed.rows) / sum(told.rows) FILTER (told.hour_start >= first_seen))::DOUBLE AS share
FROM placed JOIN told USING (source_name, dataset)
GROUP BY ALL ORDER BY first_seen, source_name, dataset, attribute LIMIT 50
