-- title: MongoDB server log as text (mongod and mongos 2.2 to 4.2)
-- dataset: app_log, db_query
-- record_start: ^(?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d{4}))
-- detect: ^(?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{3})? (?:\d{4} )?(?:[A-Z]\d? +\S+ +)?\[|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d{4}) (?:[DIWEFU][1-5]? +[A-Z_-]+ +)?\[)
-- priority: 66
-- sample: 2026-11-22T13:04:05.123+0000 I COMMAND  [conn1] command shop.carts command: find { find: "carts", filter: { sku: "A1" } } planSummary: COLLSCAN keysExamined:0 docsExamined:5000 nreturned:1 reslen:150 locks:{} protocol:op_msg 119ms
-- limits: db_query is every operation that ends in its milliseconds; times without a year get the one nearest to the landing hour
WITH headed AS (
    SELECT origin, raw AS logged, replace(raw, chr(13) || chr(10), chr(10)) AS raw FROM records
), shaped AS (
    SELECT *,
        regexp_extract(raw, '^(?s)((?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4}\b)?)|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))(?: ([DIWEFU][1-5]?) +([A-Z_]+|-))?(?: +\[([^\]\n]{1,200})\])?(?: (.*)|\s*)$',
            ['time', 'level', 'component', 'context', 'message']) AS h
    FROM headed
), timed AS (
    SELECT *, database_moment(h.time) AS m, rtrim(h.message, chr(10)) AS message,
        CASE WHEN ends_with(h.message, 'ms') THEN mongodb_operation(h.message) END AS op
    FROM shaped
), counted AS (
    SELECT *, op.ms IS NOT NULL AND op.ms <> '' AND try_cast(op.ms AS BIGINT) IS NOT NULL AS is_query,
        CASE WHEN op.ms <> '' THEN mongodb_numbers(op.rest) END AS n
    FROM timed
), paired AS (
    SELECT *,
        CASE WHEN NOT is_query THEN NULL WHEN n.numbers = '' OR n.numbers IS NULL THEN op.rest ELSE n.query END AS query_part
    FROM counted
), listed AS (
    SELECT *, regexp_extract(query_part, '^(?:appName: "([^"]*)" ?)?(.*?)(?: exception: ([^{}]*))?$', ['app', 'query', 'exception'], 's') AS q,
        list_transform(regexp_extract_all(coalesce(CASE WHEN is_query THEN replace(n.numbers, 'numYields: ', 'numYields:') END, ''), '(\w+):("(?:[^"\\]|\\.)*"|[^\s{}:]+)'),
            lambda pair: {'key': split_part(pair, ':', 1), 'value': trim(pair[instr(pair, ':') + 1:], '"')}) AS numbers
    FROM paired
), valued AS (
    SELECT *,
        try_cast(json_field(numbers, ['nreturned']).value AS BIGINT) AS returned,
        try_cast(json_field(numbers, ['docsExamined', 'nscannedObjects', 'nscanned']).value AS BIGINT) AS examined
    FROM listed
)
SELECT
    origin, logged AS raw,
    CASE WHEN h.time = '' THEN 'time: none at the start; expected 2026-11-22T13:04:05.123+0000 I COMMAND  [conn1], or Sun Nov 22 13:04:05.123 [conn1]'
         WHEN m.time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 2026-11-22T13:04:05.123+0000 or Sun Nov 22 13:04:05.123'
         WHEN h.level = '' AND h.context = '' AND NOT regexp_matches(h.message, '^ *(?:\*\*\*|dbexit|shutdown|Checkpoint took|ERROR|warning|git|[Bb]acktrace|Got signal)')
         THEN 'context: none in brackets behind the time; expected [conn1] or [initandlisten]' END AS reject_reason,
    CASE WHEN is_query THEN 'db_query' ELSE 'app_log' END AS dataset,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN coalesce(message, '') = '' AND h.context = '' THEN 'partial'
         WHEN len(list_filter(numbers, lambda entry: list_contains(['docsExamined', 'nreturned'], entry.key) AND try_cast(entry.value AS BIGINT) IS NULL)) > 0 THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(h.level, '') AS severity_text,
    mongodb_severity(h.level) AS severity_number,
    nullif(nullif(h.component, ''), '-') AS logger_name,
    nullif(h.context, '') AS thread_name,
    CASE WHEN h.time = '' THEN raw WHEN h.context = '' THEN nullif(ltrim(message), '') ELSE nullif(message, '') END AS body,
    CASE WHEN is_query THEN mongodb_connection(h.context) END AS process_pid,
    CASE WHEN is_query THEN 'mongodb' END AS db_system_name,
    CASE WHEN is_query AND op.operation <> 'applied op:' THEN op.namespace END AS db_namespace,
    CASE WHEN is_query THEN try_cast(op.ms AS DOUBLE) END AS duration_ms,
    CASE WHEN is_query THEN returned END AS rows_sent,
    CASE WHEN is_query THEN examined END AS rows_examined,
    CASE WHEN is_query THEN nullif(trim(CASE WHEN op.operation = 'applied op:' THEN op.namespace || ' ' ELSE '' END || q.query), '') END AS db_query_text,
    attributes_of(list_concat(
        CASE WHEN is_query THEN [
            {'key': 's', 'value': nullif(h.level, '')},
            {'key': 'c', 'value': nullif(nullif(h.component, ''), '-')},
            {'key': 'ctx', 'value': nullif(h.context, '')},
            {'key': 'type', 'value': rtrim(op.operation, ':')},
            {'key': 'appName', 'value': nullif(q.app, '')},
            {'key': 'exception', 'value': nullif(q.exception, '')},
            {'key': 'storage', 'value': nullif(nullif(regexp_extract(n.numbers, '\sstorage:(\{.*?\})(?: \w+:|$)', 1), ''), '{}')},
            {'key': 'flowControl', 'value': nullif(nullif(regexp_extract(n.numbers, '\sflowControl:(\{.*?\})(?: \w+:|$)', 1), ''), '{}')},
            {'key': 'planSummary', 'value': nullif(regexp_extract(n.numbers, 'planSummary: (\w+(?: \{[^{}]*\})?(?:, \w+(?: \{[^{}]*\})?)*)', 1), '')},
            {'key': 'locks', 'value': nullif(coalesce(nullif(regexp_extract(n.numbers, '(?:^|\s)locks:(\{.*?\}+)(?: (?:storage|protocol|flowControl|prepareReadConflicts|\d)|$)', 1), ''), trim(regexp_extract(n.numbers, 'locks\(micros\)((?: \w:\d+)+)', 1))), '')}]
             ELSE [{'key': 's', 'value': NULL}] END,
        [{'key': 'wrong_weekday', 'value': m.wrong_weekday}],
        list_filter(numbers, lambda entry: length(entry.key) > 1 AND NOT list_contains(['planSummary', 'locks'], entry.key)
            AND (NOT list_contains(['docsExamined', 'nreturned'], entry.key) OR try_cast(entry.value AS BIGINT) IS NULL))
    )) AS attributes
FROM valued
