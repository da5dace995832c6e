-- title: Hours missing in a log that is written every hour
-- reads: books, history_attribute_hourly
-- a log that has three quarters of the hours between its first and its last is expected to have all, and one that had them in the
-- week before to go on; the last hour of the period may still land
WITH past AS (
    SELECT source_name, dataset, count(*) AS hours FROM history_attribute_hourly
    WHERE attribute = '' AND hour_start >= getvariable('first_hour')::TIMESTAMP - INTERVAL 7 DAY AND hour_start < getvariable('first_hour')
        AND kept_since(source_name) <= getvariable('first_hour')::TIMESTAMP
    GROUP BY ALL HAVING count(*) >= greatest(24, 0.75 * date_diff('hour', min(hour_start), getvariable('first_hour')::TIMESTAMP))
), present AS (
    SELECT source_name, dataset, min(hour_start) AS first, max(hour_start) AS last, count(*) AS hours FROM books GROUP BY ALL
), spans AS (
    SELECT source_name, dataset, coalesce(present.hours, 0) AS hours, past.hours AS past_hours,
        CASE WHEN past.hours IS NULL THEN first ELSE getvariable('first_hour')::TIMESTAMP END AS first,
        CASE WHEN past.hours IS NULL THEN last ELSE greatest(last, getvariable('last_hour')::TIMESTAMP - INTERVAL 1 HOUR) END AS last
    FROM present FULL JOIN past USING (source_name, dataset)
), wanted AS (
    SELECT source_name, dataset, hours, past_hours, unnest(generate_series(first, last, INTERVAL 1 HOUR)) AS hour_start FROM spans
), missing AS (
    SELECT source_name, dataset, any_value(hours) AS hours, any_value(past_hours) AS past_hours, count(*) AS missing,
        min(wanted.hour_start) AS first, max(wanted.hour_start) AS last
    FROM wanted ANTI JOIN books USING (source_name, dataset, hour_start) GROUP BY ALL
)
SELECT 'warn' AS level, (missing / (hours + missing))::DOUBLE AS rank, 'Hours missing in ' || source_name AS headline,
    plural(missing, 'hour') || ' without a row in ' || dataset AS number,
    CASE WHEN past_hours IS NULL THEN 'The other ' || hours || ' hours between its first and its last have rows'
         ELSE 'In the week before ' || plural(past_hours, 'hour') || ' had rows' END AS baseline,
    'First missing: ' || human_hour(first) AS who,
    'SELECT unnest(generate_series(TIMESTAMP ''' || first || ''', TIMESTAMP ''' || last || ''', INTERVAL 1 HOUR)) AS hour_start EXCEPT SELECT hour_start FROM books WHERE source_name = '
        || sql_text(source_name) || ' AND dataset = ' || sql_text(dataset) || ' ORDER BY hour_start' AS check_sql
FROM missing WHERE past_hours IS NOT NULL OR (hours >= 6 AND hours >= 3 * missing) ORDER BY source_name, dataset
