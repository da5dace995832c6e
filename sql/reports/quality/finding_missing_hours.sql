-- title: Hours missing in a log that is written every hour
-- reads: books
-- a log that has three quarters of the hours between its first and its last is expected to have all
WITH spans AS (
    SELECT source_name, dataset, min(hour_start) AS first, max(hour_start) AS last, count(*) AS hours FROM books GROUP BY ALL
), wanted AS (
    SELECT source_name, dataset, hours, unnest(generate_series(first, last, INTERVAL 1 HOUR)) AS hour_start FROM spans
), missing AS (
    SELECT source_name, dataset, any_value(hours) AS hours, count(*) AS missing, min(wanted.hour_start) AS first, max(wanted.hour_start) AS last
    FROM wanted ANTI JOIN books USING (source_name, dataset, hour_start) GROUP BY ALL
)
SELECT 'warn' AS level, (missing / (hours + missing))::DOUBLE AS rank, 'Hours missing in ' || source_name AS headline,
    plural(missing, 'hour') || ' without a row in ' || dataset AS number,
    'The other ' || hours || ' hours between its first and its last have rows' AS baseline,
    'First missing: ' || human_hour(first) AS who,
    'SELECT unnest(generate_series(TIMESTAMP ''' || first || ''', TIMESTAMP ''' || last || ''', INTERVAL 1 HOUR)) AS hour_start EXCEPT SELECT hour_start FROM books WHERE source_name = '
        || sql_text(source_name) || ' AND dataset = ' || sql_text(dataset) || ' ORDER BY hour_start' AS check_sql
FROM missing WHERE hours >= 6 AND hours >= 3 * missing ORDER BY source_name, dataset
