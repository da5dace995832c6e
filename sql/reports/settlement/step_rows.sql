-- title: Rows of both sides, each with its amount or why it has none, and the group it belongs to
-- note: A group is the rows of one key of which each is no farther from the next than the window; it has the number of its first row.
WITH given AS (
    SELECT * EXCLUDE (key), row_number() OVER () AS number, regexp_extract(upper(trim(currency_text)), '^[A-Z]{3,5}$') AS code, nullif(code, '') AS currency,
        -- one text that no other list of values has
        CASE WHEN len(list_filter(key, lambda part: coalesce(trim(part), '') = '')) = 0 THEN CASE WHEN len(key) = 1 THEN key[1] ELSE to_json(key)::VARCHAR END END AS key
    FROM settlement_rows
), valued AS (
    SELECT *, amount_of(amount_text, decimal_mark, CASE WHEN is_minor THEN currency_digits(currency) END) AS value FROM given
), judged AS (
    SELECT number, side, dataset, key, currency, left(merchant, 100) AS merchant, event_time, source_uri, source_line, event_id,
        CASE WHEN currency IS NOT NULL THEN CASE WHEN is_negative THEN -value ELSE value END END AS amount,
        CASE WHEN coalesce(trim(amount_text), '') = '' THEN 'no amount'
             WHEN value IS NULL THEN 'the amount ' || left(amount_text, 60) || CASE WHEN is_minor THEN ' is no whole number' ELSE ' is no number of at most 18 and 6 digits' END
             WHEN coalesce(trim(currency_text), '') = '' THEN 'no currency'
             WHEN currency IS NULL THEN 'the currency ' || left(currency_text, 20) || ' is no code such as KRW'
             WHEN key IS NULL THEN 'no key' END AS problem
    FROM valued
), apart AS (
    SELECT number, key, event_time, event_id, event_time - lag(event_time) OVER (PARTITION BY key ORDER BY event_time, event_id) <= to_hours(getvariable('window_hours')) AS follows
    FROM judged WHERE key IS NOT NULL
), grouped AS (
    SELECT number, last_value(CASE WHEN follows IS NOT TRUE THEN number END IGNORE NULLS)
        OVER (PARTITION BY key ORDER BY event_time, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS grp
    FROM apart
)
SELECT judged.*, coalesce(grp, number) AS grp,
    event_time >= getvariable('first_hour') AND event_time < getvariable('last_hour')::TIMESTAMP + INTERVAL 1 HOUR AS is_here
FROM judged LEFT JOIN grouped USING (number)
