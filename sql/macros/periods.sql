-- title: periods and differences of a report
-- the hour, day or month that a report of these hours shows as one
CREATE OR REPLACE MACRO step_of(first, last) AS CASE
    WHEN last::TIMESTAMP - first::TIMESTAMP < INTERVAL 14 DAY THEN 'hour'
    WHEN last::TIMESTAMP - first::TIMESTAMP < INTERVAL 730 DAY THEN 'day' ELSE 'month' END;

-- +12 rows, -1 row
CREATE OR REPLACE MACRO signed_rows(n) AS CASE WHEN n > 0 THEN '+' ELSE '' END || format('{:,}', n::BIGINT) || CASE WHEN abs(n) = 1 THEN ' row' ELSE ' rows' END;

-- the first event hour of which a source keeps rows; kept_events has the day of each source of which rows have expired
CREATE OR REPLACE MACRO kept_since(source_name) AS coalesce(getvariable('kept_events')[source_name]::TIMESTAMP, TIMESTAMP '0001-01-01');
