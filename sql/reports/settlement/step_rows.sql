-- title: Rows of both sides, each with its amount or why it has none, and the group it belongs to
-- note: A group is the rows of one key of which each is no farther from the next than the window.
WITH given AS (
    SELECT *, upper(nullif(trim(currency_text), '')) AS currency,
        len(list_filter(key, lambda part: coalesce(trim(part), '') = '')) = 0 AS has_key
    FROM settlement_rows
), valued AS (
    SELECT *, amount_of(amount_text, decimal_mark, CASE WHEN is_minor THEN currency_digits(currency) END) AS value FROM given
), judged AS (
    SELECT *, CASE WHEN currency IS NOT NULL THEN CASE WHEN is_negative THEN -value ELSE value END END AS amount,
        CASE WHEN coalesce(trim(amount_text), '') = '' THEN 'no amount'
             WHEN value IS NULL THEN 'the amount ' || left(amount_text, 60) || CASE WHEN is_minor THEN ' is no whole number' ELSE ' is no number of at most 18 and 6 digits' END
             WHEN currency IS NULL THEN 'no currency'
             WHEN NOT has_key THEN 'no key' END AS problem,
        event_time >= getvariable('first_hour') AND event_time < getvariable('last_hour')::TIMESTAMP + INTERVAL 1 HOUR AS is_here
    FROM valued
), apart AS (
    SELECT *, has_key AND event_time - lag(event_time) OVER same <= to_hours(getvariable('window_hours')) AS follows
    FROM judged WINDOW same AS (PARTITION BY has_key, key ORDER BY event_time, source_uri, source_line, event_id)
), grouped AS (
    SELECT *, count(*) FILTER (follows IS NOT TRUE) OVER (PARTITION BY has_key, key ORDER BY event_time, source_uri, source_line, event_id ROWS UNBOUNDED PRECEDING) AS occurrence
    FROM apart
)
SELECT dense_rank() OVER (ORDER BY key, has_key, occurrence) AS grp, side, dataset, is_here, problem, amount, currency, merchant,
    CASE WHEN has_key THEN array_to_string(key, ' · ') END AS key,
    timezone(getvariable('zone'), event_time AT TIME ZONE 'UTC')::DATE AS day, event_time, source_uri, source_line, event_id
FROM grouped
