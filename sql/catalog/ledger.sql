-- title: one row for each raw object: its account
-- a byte of a key that is no UTF-8 stands in JSON as half of a surrogate pair, \udc80 to \udcff: shown as \x80 to \xff
WITH accounts AS (
    SELECT make_timestamp(epoch_us(last_modified) // 1000000 * 1000000) AS processed_time, from_json(CASE
        WHEN contains(content, '\udc') THEN replace(regexp_replace(regexp_replace(content,
            '(\\ud[89ab][0-9a-f]{2}\\u)(d[c-f][0-9a-f]{2})', '\1@\2', 'g'), '\\udc([89a-f][0-9a-f])', '\\\\x\1', 'g'), '\u@', '\u')
        ELSE content END, '{record}') AS account
    FROM read_text({ledgers})
), booked AS (
    SELECT account, processed_time, unnest(account.objects) AS book FROM accounts
), staged_twice AS (
    SELECT regexp_extract(file_name, '/([^/]+)\.parquet$', 1) AS source, unnest(map_entries(
        from_json(decode(value), '{"duplicates_of": "MAP(VARCHAR, MAP(VARCHAR, BIGINT))"}').duplicates_of)) AS landed
    FROM {footers} WHERE decode(key) = 'logbucket'
), unpublished AS (
    SELECT source, landed.key AS landing_hour, unnest(map_entries(landed.value)) AS one FROM staged_twice
), unpublished_of AS (
    SELECT source, landing_hour, one.key AS uri, sum(one.value)::BIGINT AS duplicates FROM unpublished GROUP BY ALL
)
SELECT account.source AS source_name,
    strptime(account.landing_hour, '%Y-%m-%dT%H') AS landing_hour,
    account.shard AS shard,
    book.*,
    coalesce(duplicates, 0) AS duplicates,
    processed_time,
    account.inputs AS inputs
FROM booked
LEFT JOIN unpublished_of ON source = account.source AND unpublished_of.landing_hour = account.landing_hour AND unpublished_of.uri = book.uri
