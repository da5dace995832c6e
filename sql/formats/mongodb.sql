-- title: MongoDB server log as JSON (mongod and mongos 4.4 and later)
-- dataset: app_log, db_query
-- detect: ^\s*\{"t"\s*:\s*\{"\$date"
-- priority: 65
-- sample: {"t":{"$date":"2026-11-22T13:04:05.123+00:00"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn12","msg":"Slow query","attr":{"type":"command","ns":"shop.carts","command":{"find":"carts","filter":{"sku":"A1"},"$db":"shop"},"planSummary":"COLLSCAN","keysExamined":0,"docsExamined":5000,"nreturned":1,"remote":"203.0.113.9:52100","durationMillis":119}}
-- limits: db_query is every "Slow query"; nested attributes are kept as JSON text under their names in attr
WITH parsed AS (
    SELECT origin, raw, CASE WHEN json_valid(raw) AND json_type(raw) = 'OBJECT' THEN try_cast(raw AS JSON) END AS document,
        regexp_extract(raw, '^\s*\{"t"\s*:\s*\{"\$date"\s*:\s*"([^"\\]*)"', 1) AS cut_time
    FROM records
), picked AS (
    SELECT *,
        CASE WHEN document IS NOT NULL THEN database_json_entries(document) END AS entries,
        CASE WHEN document IS NOT NULL AND json_type(document, '$.attr') = 'OBJECT' THEN mongodb_plain_numbers(database_json_entries(document -> '$.attr')) END AS attr,
        CASE WHEN document IS NULL THEN nullif(cut_time, '') ELSE coalesce(TRY(document ->> '$.t."$date"."$numberLong"'), TRY(document ->> '$.t."$date"'), TRY(document ->> '$.t')) END AS time
    FROM parsed
), named AS (
    SELECT *, database_moment(time) AS m, database_epoch_ms(time) AS epoch,
        json_field(entries, ['s']).value AS level,
        json_field(entries, ['c']).value AS component,
        json_field(entries, ['ctx']).value AS context,
        json_field(entries, ['msg']).value AS message,
        json_field(attr, ['durationMillis']).value AS duration,
        json_field(attr, ['docsExamined']).value AS examined,
        json_field(attr, ['nreturned']).value AS returned,
        json_field(attr, ['ns']).value AS namespace,
        json_field(attr, ['command', 'originatingCommand']) AS command,
        database_peer(json_field(attr, ['remote']).value) AS peer,
        json_field(attr, ['user', 'principalName']).value AS user_value
    FROM picked
), judged AS (
    SELECT *, message = 'Slow query' AND attr IS NOT NULL AS is_query,
        CASE WHEN starts_with(user_value, '{') AND json_valid(user_value) THEN TRY(coalesce(user_value ->> '$.user', user_value)) ELSE user_value END AS user_text
    FROM named
)
SELECT
    origin, raw,
    CASE WHEN document IS NULL AND (cut_time = '' OR m.time IS NULL) THEN 'line: not a JSON object; expected {"t":{"$date":…},"s":"I","c":…,"ctx":…,"msg":…} on one line'
         WHEN coalesce(epoch, m.time) IS NULL THEN 't: ' || coalesce(left(time, 60) || ' is not a time', 'no such field') || '; expected {"$date":"2026-11-22T13:04:05.123+00:00"}'
         WHEN document IS NOT NULL AND (message IS NULL OR level IS NULL) THEN CASE WHEN message IS NULL THEN 'msg' ELSE 's' END || ': no such field; expected "s":"I","c":"COMMAND","ctx":"conn1","msg":"…"' END AS reject_reason,
    CASE WHEN is_query THEN 'db_query' ELSE 'app_log' END AS dataset,
    coalesce(epoch, m.time) AS event_time,
    CASE WHEN epoch IS NOT NULL THEN 'epoch' ELSE m.basis END AS time_basis,
    CASE WHEN document IS NULL OR (is_query AND (try_cast(duration AS DOUBLE) IS NULL
              OR (examined IS NOT NULL AND try_cast(examined AS BIGINT) IS NULL) OR (returned IS NOT NULL AND try_cast(returned AS BIGINT) IS NULL))) THEN 'partial' ELSE 'ok' END AS parse_status,
    level AS severity_text,
    mongodb_severity(level) AS severity_number,
    dash_null(component) AS logger_name,
    context AS thread_name,
    coalesce(message, CASE WHEN document IS NULL THEN raw END) AS body,
    CASE WHEN is_query THEN mongodb_connection(context) END AS process_pid,
    CASE WHEN is_query THEN 'mongodb' END AS db_system_name,
    nullif(namespace, '') AS db_namespace,
    user_text AS user_name,
    nullif(peer.host, '') AS client_address,
    try_cast(duration AS DOUBLE) AS duration_ms,
    try_cast(returned AS BIGINT) AS rows_sent,
    try_cast(examined AS BIGINT) AS rows_examined,
    command.value AS db_query_text,
    attributes_of(list_concat(
        list_filter(coalesce(entries, []::STRUCT("key" VARCHAR, "value" VARCHAR)[]), lambda entry: NOT list_contains(
            CASE WHEN is_query THEN ['t', 'msg', 'attr'] WHEN attr IS NULL THEN ['t', 's', 'c', 'ctx', 'msg'] ELSE ['t', 's', 'c', 'ctx', 'msg', 'attr'] END, entry.key)),
        CASE WHEN is_query THEN [{'key': 'remote_port', 'value': nullif(peer.port, '')}] ELSE []::STRUCT("key" VARCHAR, "value" VARCHAR)[] END,
        list_transform(list_filter(coalesce(attr, []::STRUCT("key" VARCHAR, "value" VARCHAR)[]), lambda entry: NOT is_query OR NOT (
                list_contains(['ns', 'remote', 'nreturned', 'docsExamined', 'durationMillis', command.key], entry.key)
                OR (entry.key = 'user' AND NOT starts_with(entry.value, '{')))
                OR (entry.key = 'nreturned' AND try_cast(entry.value AS BIGINT) IS NULL)
                OR (entry.key = 'docsExamined' AND try_cast(entry.value AS BIGINT) IS NULL)
                OR (entry.key = 'durationMillis' AND try_cast(entry.value AS DOUBLE) IS NULL)),
            lambda entry: {'key': CASE WHEN list_contains(['id', 't', 's', 'c', 'ctx', 'msg', 'svc', 'tags', 'truncated', 'size', 'remote_port'], entry.key) THEN 'attr.' ELSE '' END || entry.key, 'value': entry.value})
    )) AS attributes
FROM judged
