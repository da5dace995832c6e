-- title: slow query log of MySQL, MariaDB, Percona Server, Aurora and RDS
-- dataset: db_query
-- record_start: ^# Time:|^# User@Host:|, Version: .*started with:\s*$
-- heading: ^# Time: +\d
-- detect: ^# (?:Time: .*# )?(?:User@Host: |Query_time: )
-- priority: 70
-- sample: # Time: 261122 13:04:05 # User@Host: shop[shop] @ localhost [203.0.113.9]  Id: 5 # Query_time: 0.5  Lock_time: 0.1  Rows_sent: 1  Rows_examined: 2
-- limits: the time is that of SET timestamp, else of the # Time: line at or before the query, else the landing hour; db_system_name is mysql for all of them
WITH lined AS (
    SELECT origin, raw AS logged, heading, replace(raw, chr(13) || chr(10), chr(10)) AS raw FROM records
), kinds AS (
    SELECT *,
        regexp_matches(raw, ', Version: [^\n]*started with:\s*(?:\n|$)') AND NOT starts_with(raw, '#') AS is_banner,
        regexp_matches(raw, '^# Time:[^\n#]*$') AS is_time,
        regexp_extract(raw, '(?s)^((?:#(?:[ \t][^\n]*)?(?:\n|$))*)(.*)$', ['head', 'body']) AS parts
    FROM lined
), clients AS (
    SELECT *,
        regexp_extract(heading, '^# Time:\s+(.*?)\s*(?:# User@Host:.*)?$', 1) AS heading_time,
        regexp_extract(parts.head, '# User@Host: *([^\[\n]*?)(?:\[([^\]\n]*)\])? @ +([^\[\n]*?) *\[([^\]\n]*)\](?:  ?Id: *(\d+))?([^\n]*)', ['account', 'user', 'host', 'address', 'id', 'more']) AS u,
        regexp_extract(parts.body, '(?s)^(?:use ([^\n]+);\n)?(?:SET ((?:\w+=[\d.]+,?)+);(?:\n|$))?(.*)$', ['database', 'settings', 'query']) AS q,
        regexp_extract(parts.head, '(# administrator command: [^\n]*)', 1) AS command
    FROM kinds
), entries AS (
    SELECT *,
        mysql_slow_entries(coalesce(u.more, '') || chr(10) || regexp_replace(regexp_replace(parts.head,
            '# (?:administrator command|explain):[^\n]*', '', 'g'), '^(?:# Time:[^\n#]*)?(?:# User@Host:[^\n]*)?(?:\n|$)', '')) AS entries,
        regexp_extract(q.settings, '\btimestamp=(\d+(?:\.\d+)?)', 1) AS stamp,
        trim(coalesce(nullif(q.query, ''), nullif(command, '')), chr(10)) AS query
    FROM clients
), timed AS (
    SELECT *, database_moment(heading_time) AS m,
        mysql_slow_value(entries, 'query_time') AS query_time,
        mysql_slow_value(entries, 'lock_time') AS lock_time,
        mysql_slow_value(entries, 'rows_sent') AS rows_sent_text,
        mysql_slow_value(entries, 'rows_examined') AS rows_examined_text,
        mysql_slow_value(entries, 'schema') AS schema_text,
        coalesce(nullif(u.id, ''), mysql_slow_value(entries, 'thread_id')) AS thread,
        database_epoch(stamp) AS stamp_time
    FROM entries
), odd AS (
    SELECT *,
        (query_time IS NOT NULL AND try_cast(query_time AS DOUBLE) IS NULL) OR (lock_time IS NOT NULL AND try_cast(lock_time AS DOUBLE) IS NULL)
        OR (rows_sent_text IS NOT NULL AND try_cast(rows_sent_text AS BIGINT) IS NULL) OR (rows_examined_text IS NOT NULL AND try_cast(rows_examined_text AS BIGINT) IS NULL) AS has_odd_number,
        regexp_extract_all(parts.head, '(?:^|\n)# explain: ([^\n]*)', 1) AS explained
    FROM timed
)
SELECT
    origin, logged AS raw,
    is_banner OR is_time AS ignored,
    CASE WHEN is_banner OR is_time THEN NULL
         WHEN query_time IS NULL AND NOT contains(parts.head, '# User@Host:') THEN 'Query_time: no # User@Host and no # Query_time line; expected # Query_time: 2.000652  Lock_time: 0.000000 …'
         WHEN query_time IS NULL AND coalesce(query, '') = '' AND stamp_time IS NULL AND len(entries) = 0 AND coalesce(u.host, '') || coalesce(u.address, '') = ''
         THEN 'Query_time: none after # User@Host; expected # Query_time: 2.000652  Lock_time: 0.000000 …' END AS reject_reason,
    coalesce(stamp_time, m.time, getvariable('landing')::TIMESTAMP) AS event_time,
    CASE WHEN stamp_time IS NOT NULL THEN 'epoch' WHEN m.time IS NOT NULL THEN m.basis ELSE 'landing_hour' END AS time_basis,
    CASE WHEN query_time IS NULL OR has_odd_number OR coalesce(stamp_time, m.time) IS NULL THEN 'partial' ELSE 'ok' END AS parse_status,
    'mysql' AS db_system_name,
    nullif(trim(coalesce(nullif(q.database, ''), schema_text, CASE WHEN regexp_matches(query, '^use [^\n;]+;?$') THEN regexp_extract(query, '^use ([^\n;]+);?$', 1) END), '`'), '') AS db_namespace,
    coalesce(nullif(u.account, ''), nullif(u."user", '')) AS user_name,
    coalesce(nullif(u.address, ''), nullif(u.host, '')) AS client_address,
    database_seconds_ms(query_time) AS duration_ms,
    database_seconds_ms(lock_time) AS lock_ms,
    try_cast(rows_sent_text AS BIGINT) AS rows_sent,
    try_cast(rows_examined_text AS BIGINT) AS rows_examined,
    nullif(query, '') AS db_query_text,
    CASE WHEN starts_with(query, '# ') THEN rtrim(query[3:], ';') END AS query_template,
    try_cast(thread AS BIGINT) AS process_pid,
    attributes_of(list_concat([
        {'key': 'time', 'value': nullif(heading_time, '')},
        {'key': 'current_user', 'value': CASE WHEN u."user" IS DISTINCT FROM u.account THEN nullif(u."user", '') END},
        {'key': 'id', 'value': CASE WHEN try_cast(u.id AS BIGINT) IS NULL THEN nullif(u.id, '') END},
        {'key': 'host', 'value': CASE WHEN u.address <> '' THEN nullif(u.host, '') END},
        {'key': 'schema', 'value': CASE WHEN q.database <> '' AND schema_text <> trim(q.database, '`') THEN schema_text END},
        {'key': 'last_insert_id', 'value': nullif(regexp_extract(q.settings, '\blast_insert_id=(\d+)', 1), '')},
        {'key': 'insert_id', 'value': nullif(regexp_extract(q.settings, '\binsert_id=(\d+)', 1), '')},
        {'key': 'explain', 'value': nullif(array_to_string(explained, chr(10)), '')}
    ], list_transform(list_filter(entries, lambda entry:
        CASE lower(entry.key)
            WHEN 'schema' THEN false WHEN 'thread_id' THEN try_cast(entry.value AS BIGINT) IS NULL OR u.id <> ''
            WHEN 'query_time' THEN try_cast(entry.value AS DOUBLE) IS NULL WHEN 'lock_time' THEN try_cast(entry.value AS DOUBLE) IS NULL
            WHEN 'rows_sent' THEN try_cast(entry.value AS BIGINT) IS NULL WHEN 'rows_examined' THEN try_cast(entry.value AS BIGINT) IS NULL
            ELSE true END),
        lambda entry: {'key': lower(entry.key), 'value': entry.value}))) AS attributes
FROM odd
