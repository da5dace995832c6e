-- title: Lateness
-- note: Rows of these event hours by the hours between the event's and the landing hour, repeated uploads included.
-- reads: books
WITH slices AS (
    SELECT source_name, hour_start, unnest(map_entries(rows_by_landing_hour)) AS slice FROM books
), delayed AS (
    SELECT source_name, date_diff('hour', hour_start, strptime(slice.key, '%Y-%m-%dT%H')) AS hours, slice.value AS rows FROM slices
), named AS (
    SELECT *, CASE WHEN hours < 0 THEN 0 WHEN hours = 0 THEN 1 WHEN hours = 1 THEN 2 WHEN hours <= 3 THEN 3 WHEN hours <= 24 THEN 4
                   WHEN hours <= 24 * 7 THEN 5 ELSE 6 END AS place FROM delayed
)
SELECT source_name,
    ['before its hour: a clock ahead', 'in its hour', 'in the next hour', '2 to 3 hours later', '4 to 24 hours later', '2 to 7 days later',
     'more than a week later'][place + 1] AS landed,
    sum(rows)::BIGINT AS rows, (sum(rows) / sum(sum(rows)) OVER (PARTITION BY source_name))::DOUBLE AS share
FROM named GROUP BY source_name, place ORDER BY source_name, place
