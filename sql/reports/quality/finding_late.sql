-- title: Late rows
-- reads: books
-- two hours or more after the event hour; worth telling above 1%
WITH slices AS (
    SELECT source_name, hour_start, unnest(map_entries(rows_by_landing_hour)) AS slice FROM books
), delayed AS (
    SELECT source_name, hour_start, slice.key AS landed, date_diff('hour', hour_start, strptime(slice.key, '%Y-%m-%dT%H')) AS hours, slice.value AS rows FROM slices
), landings AS (
    SELECT source_name, landed, sum(rows)::BIGINT AS rows FROM delayed WHERE hours >= 2 GROUP BY source_name, landed
    QUALIFY row_number() OVER (PARTITION BY source_name ORDER BY sum(rows) DESC, landed) = 1
), totals AS (
    SELECT source_name, sum(rows)::BIGINT AS rows, sum(rows) FILTER (hours >= 2)::BIGINT AS late, max(hours) AS longest FROM delayed GROUP BY source_name
)
SELECT 'warn' AS level, late / totals.rows AS rank, 'Late rows of ' || source_name AS headline,
    human_share(late, totals.rows) || ' of its rows (' || human_count(late) || ') landed two hours or more after their hour' AS number,
    human_share(totals.rows - late, totals.rows) || ' landed within the next hour; the longest delay is ' || plural(longest, 'hour') AS baseline,
    human_share(landings.rows, late) || ' of the late ones landed at ' || replace(landed, 'T', ' ') || ':00' AS who,
    'SELECT hour_start, rows, rows_by_landing_hour FROM books WHERE source_name = ' || sql_text(source_name) || ' AND ' || sql_hours(getvariable('first_hour'), getvariable('last_hour'))
        || ' ORDER BY hour_start' AS check_sql
FROM totals JOIN landings USING (source_name) WHERE late / totals.rows > 0.01 ORDER BY source_name
