-- title: Attributes that appeared
-- reads: history_attribute_hourly, metrics_attribute_hourly
-- a day without an attribute is needed to call it new
WITH hours AS (
    SELECT source_name, dataset, min(hour_start) AS known_since FROM history_attribute_hourly GROUP BY ALL
), named AS (
    SELECT source_name, dataset, attribute, min(hour_start) AS first_seen, sum(rows)::BIGINT AS rows
    FROM history_attribute_hourly WHERE attribute <> '' GROUP BY ALL
), new AS (
    SELECT *, date_diff('hour', known_since, first_seen) AS hours_without FROM named JOIN hours USING (source_name, dataset)
    WHERE first_seen BETWEEN getvariable('first_hour') AND getvariable('last_hour') AND date_diff('hour', known_since, first_seen) >= 24
), listed AS (
    SELECT source_name, dataset, count(*) AS attributes, min(hours_without) AS hours_without, arg_max(attribute, (rows, attribute)) AS attribute, max(rows) AS rows,
        min(first_seen) AS first_seen
    FROM new GROUP BY ALL
)
SELECT 'warn' AS level, rows::DOUBLE AS rank, 'New fields in ' || source_name AS headline,
    plural(attributes, 'attribute') || ' of ' || dataset || ' never seen before' AS number,
    'The ' || plural(hours_without // 24, 'day') || ' before were without' AS baseline,
    CASE WHEN attributes = 1 THEN attribute ELSE 'Most rows: ' || attribute END || ', in ' || plural(rows, 'row') || ' since '
        || human_hour(first_seen) AS who,
    'SELECT attribute, min(hour_start) AS first_seen, sum(rows)::BIGINT AS rows FROM metrics_attribute_hourly WHERE source_name = ' || sql_text(source_name)
        || ' AND dataset = ' || sql_text(dataset)
        || ' AND hour_start <= TIMESTAMP ''' || getvariable('last_hour')::TIMESTAMP || ''' GROUP BY attribute ORDER BY first_seen DESC, attribute' AS check_sql
FROM listed ORDER BY source_name, dataset
