-- title: Elasticsearch, OpenSearch and Logstash: server, deprecation, slow and audit logs, plain and JSON
-- dataset: app_log, db_query, audit
-- record_start: ^\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^\{ *"(?:@timestamp|timestamp|type|log\.level|level)"
-- detect: ^\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\]]*\] (?:\[[^\]]*\] )?\[(?:rest|transport|ip_filter|local_node|realm)\] ?\[\w+\]|^\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\]]*\]\[[A-Z]+ *\]\[|"(?:elasticsearch\.)?(?:node\.(?:id|name)|cluster\.(?:name|uuid))"\s*:
-- priority: 62
-- sample: [2026-11-22T13:04:05,123][WARN ][o.e.d.c.m.IndexNameExpressionResolver] [node-1] [shop/mZ2kq0WnRkGx3yTqvD4c1A] a wildcard matched nothing
-- limits: slow logs are rows of db_query, JSON audit records rows of audit, all others of app_log; the index that a message begins with is an attribute; Logstash's JSON form is not read
WITH plain_lines AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw FROM records
), headed AS (
    SELECT origin, logged, raw,
        CASE WHEN left(raw, 1) = '[' THEN regexp_extract(raw,
            '^\[(' || app_text_iso() || ')\]\[([A-Z]+) *\]\[([^\]\r\n]*?) *\](?:\[([^\]\s]*)\])?(?:\[([^\]\s]*)\])?\s?([^\r\n]*)',
            ['time', 'level', 'logger', 'pipeline', 'plugin', 'rest']) END AS h,
        -- the audit log of versions 5 and 6
        CASE WHEN left(raw, 1) = '[' THEN regexp_extract(raw, '^\[(' || app_text_iso() || ')\] (?:\[([^\]]*)\] )?\[(rest|transport|ip_filter|local_node|realm)\] ?\[(\w+)\]\s+([^\r\n]*)$', ['time', 'node', 'layer', 'action', 'rest']) END AS a,
        -- a line of another log, such as the garbage collector's, may follow an object
        CASE WHEN left(raw, 1) <> '{' THEN NULL WHEN json_valid(raw) THEN raw
             WHEN contains(raw, chr(10)) AND json_valid(split_part(raw, chr(10), 1)) THEN split_part(raw, chr(10), 1) END AS document
    FROM plain_lines
), opened AS (
    SELECT *, TRY(json_entries(document)) AS entries,
        TRY(json_extract_string(document, ['$."@timestamp"', '$.timestamp', '$."log.level"', '$.level', '$."log.logger"', '$.component',
            '$.message', '$.type', '$."event.dataset"', '$."event.action"', '$."event.type"', '$."process.thread.name"', '$."service.name"',
            '$."error.type"', '$."error.message"', '$."error.stack_trace"', '$."user.name"', '$."origin.address"',
            '$.put.user.name', '$.change.enable.user.name', '$.change.disable.user.name', '$.change.password.user.name', '$.delete.user.name',
            '$.invalidate.apikeys.user.name', '$.took', '$.source', '$."elasticsearch.slowlog.took"', '$."elasticsearch.slowlog.source"',
            '$."elasticsearch.slowlog.message"', '$."trace.id"', '$.took_millis', '$."elasticsearch.slowlog.took_millis"'])) AS x
    FROM headed
), told AS (
    SELECT *,
        list_contains(list_transform(entries, lambda entry: regexp_full_match(entry.key, '(?:elasticsearch\.)?(?:node\.(?:id|name)|cluster\.(?:name|uuid))')), true) AS is_json,
        a.action <> '' AS is_plain_audit,
        CASE WHEN document IS NULL THEN coalesce(nullif(h.time, ''), nullif(a.time, '')) ELSE coalesce(x[1], x[2]) END AS time_text,
        CASE WHEN document IS NULL THEN nullif(h.level, '') ELSE coalesce(x[3], x[4]) END AS level,
        CASE WHEN document IS NULL THEN nullif(h.logger, '') ELSE coalesce(x[5], x[6]) END AS logger,
        h.pipeline <> '' OR regexp_matches(h.logger, '^(?:org\.)?logstash\.') AS is_logstash
    FROM opened
), noded AS (
    -- deprecation logs of version 6 have no node, and messages that begin with a bracket of several words
    SELECT *, iso_parts(time_text) AS parts,
        CASE WHEN h.time <> '' AND NOT is_logstash THEN regexp_extract(h.rest,
            CASE WHEN regexp_matches(logger, '^(?:o\.(?:e|o)\.d\.|deprecation\.)') THEN '^\[([^\]\s]+)\] ' ELSE '^\[([^\]]*)\] ?' END, 1) ELSE '' END AS node,
        CASE WHEN document IS NOT NULL THEN CASE WHEN x[10] IS NOT NULL AND x[11] IS NOT NULL AND level IS NULL THEN 'audit'
                  WHEN x[8] LIKE '%slowlog' OR x[9] LIKE '%slowlog' OR x[27] IS NOT NULL THEN 'db_query' ELSE 'app_log' END
             WHEN is_plain_audit THEN 'audit'
             WHEN regexp_matches(logger, '^index\.(?:search|indexing)\.slowlog|^i\.[si]\.s\.') THEN 'db_query' ELSE 'app_log' END AS dataset
    FROM told
), messaged AS (
    SELECT *, CASE WHEN document IS NOT NULL THEN coalesce(x[29], x[7])
                   WHEN node <> '' THEN ltrim(h.rest[length(node) + 3:]) ELSE h.rest END AS message
    FROM noded
), indexed AS (
    -- the garbage collector's [gc][young][n][n] is no index
    SELECT *, CASE WHEN left(message, 1) = '[' AND NOT is_logstash IS TRUE AND NOT starts_with(message, '[gc]') THEN regexp_extract(message,
            '^\[([a-z0-9._<-][^\]/\s,A-Z"]*)(?:/([\w-]{22}))?\](?:\[(\d+)\](?: |$))?', ['name', 'id', 'shard']) END AS i,
        CASE WHEN left(message, 1) = '[' AND NOT is_logstash IS TRUE AND NOT starts_with(message, '[gc]') THEN length(regexp_extract(message,
            '^\[[a-z0-9._<-][^\]/\s,A-Z"]*(?:/[\w-]{22})?\](?:\[\d+\](?: |$)| |$)')) ELSE 0 END AS index_length
    FROM messaged
), cut AS (
    SELECT *, CASE WHEN index_length > 0 THEN message[index_length + 1:] ELSE message END AS text,
        CASE WHEN index_length > 0 THEN i END AS place
    FROM indexed
), slow AS (
    SELECT *, dataset = 'db_query' AND starts_with(text, 'took[') AS in_text, iso_time(parts, getvariable('zone')) AS event_time FROM cut
), measured AS (
    SELECT *, CASE WHEN is_plain_audit THEN list_transform(regexp_extract_all(a.rest, '\w+=\[(?:[^\[\]]|\[[^\]]*\])*\]'),
            lambda pair: {'key': split_part(pair, '=', 1), 'value': pair[instr(pair, '[') + 1:length(pair) - 1]}) END AS told_fields,
        CASE WHEN in_text THEN app_text_slow_field(text, 'took') ELSE coalesce(x[25], x[27]) END AS took,
        CASE WHEN in_text THEN app_text_slow_field(text, 'took_millis') ELSE coalesce(x[31], x[32]) END AS took_millis,
        CASE WHEN in_text THEN nullif(regexp_extract(text, '[ ,]source\[(.*?)\](?:, (?:id|extra_source|routing|cluster)\[.*|,? *)$', 1), '') ELSE coalesce(x[26], x[28]) END AS source
    FROM slow
), audited AS (
    SELECT *, coalesce(x[10], nullif(a.action, '')) AS action, coalesce(x[18], (json_field(told_fields, ['origin_address'])).value) AS origin_address,
        coalesce(x[17], x[19], x[20], x[21], x[22], x[23], x[24], (json_field(told_fields, ['principal', 'username'])).value) AS audit_user
    FROM measured
)
SELECT
    origin, logged AS raw, dataset,
    CASE WHEN document IS NOT NULL AND is_json IS NOT TRUE THEN 'line: JSON without a node or cluster; expected "node.id", "node.name", "cluster.name" or "cluster.uuid"'
         WHEN document IS NULL AND left(raw, 1) = '{' THEN 'line: JSON that cannot be read; expected a whole object'
         WHEN time_text IS NULL THEN app_text_no_time(raw, '[2026-11-22T13:04:05,123][WARN ][logger] message')
         WHEN event_time IS NULL THEN 'time: ' || left(time_text, 60) || ' is not a time; expected 2026-11-22T13:04:05,123' END AS reject_reason,
    event_time,
    iso_basis(parts, getvariable('zone')) AS time_basis,
    CASE WHEN (dataset = 'db_query' AND app_text_took_ms(took) IS NULL) OR length(document) < length(raw) OR (dataset = 'app_log' AND message IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    x[13] AS service_name,
    CASE WHEN dataset = 'app_log' THEN level END AS severity_text,
    CASE WHEN dataset = 'app_log' THEN logger END AS logger_name,
    CASE WHEN dataset = 'app_log' THEN x[12] END AS thread_name,
    CASE WHEN dataset = 'app_log' AND document IS NULL THEN CASE WHEN time_text IS NULL THEN raw ELSE app_text_body(text, raw) END
         WHEN dataset = 'app_log' THEN text WHEN is_plain_audit THEN a.rest WHEN dataset = 'audit' THEN message END AS body,
    CASE WHEN dataset = 'app_log' THEN x[14] END AS exception_type,
    CASE WHEN dataset = 'app_log' THEN x[15] END AS exception_message,
    CASE WHEN dataset = 'app_log' THEN coalesce(x[16], TRY(array_to_string((document -> '$.stacktrace')::VARCHAR[], chr(10)))) END AS exception_stacktrace,
    CASE WHEN dataset = 'app_log' THEN x[30] END AS trace_id,
    CASE WHEN dataset = 'db_query' THEN 'elasticsearch' END AS db_system_name,
    CASE WHEN dataset = 'db_query' THEN nullif(place.name, '') END AS db_namespace,
    -- took is rounded to one digit of its unit, took_millis down to whole milliseconds
    CASE WHEN dataset = 'db_query' THEN CASE WHEN regexp_matches(took, '\d[smhd]$') THEN coalesce(try_cast(took_millis AS DOUBLE), app_text_took_ms(took)) ELSE app_text_took_ms(took) END END AS duration_ms,
    CASE WHEN dataset = 'db_query' AND regexp_matches(concat(x[8], x[9], logger), 'search|^i\.s\.s') THEN nullif(source, '') END AS db_query_text,
    CASE WHEN dataset = 'audit' THEN action END AS event_action,
    CASE WHEN dataset = 'audit' THEN CASE WHEN x[11] = 'security_config_change' THEN 'iam' WHEN x[11] = 'ip_filter' OR a.layer = 'ip_filter' THEN 'network'
              WHEN regexp_matches(action, 'authentication|anonymous|run_as') THEN 'authentication' ELSE 'api' END END AS event_category,
    CASE WHEN dataset = 'audit' THEN CASE WHEN regexp_matches(action, '(?:_success|_granted)$') THEN 'success'
              WHEN regexp_matches(action, '(?:_failed|_denied)$|tampered') THEN 'failure' END END AS event_outcome,
    CASE WHEN dataset = 'audit' THEN audit_user END AS user_name,
    CASE WHEN dataset = 'audit' THEN nullif(trim(CASE WHEN regexp_matches(origin_address, '\]:|^[^:]*:\d+$') THEN regexp_replace(origin_address, ':\d+$', '') ELSE origin_address END, '[]'), '') END AS client_address,
    CASE WHEN dataset = 'audit' THEN try_cast(regexp_extract(origin_address, '^(?:\[.*\]|[^:]*):(\d{1,5})$', 1) AS INTEGER) END AS client_port,
    attributes_of(list_filter(list_concat([
        {'key': 'node_name', 'value': coalesce(nullif(node, ''), nullif(a.node, ''))},
        {'key': 'layer', 'value': nullif(a.layer, '')},
        {'key': 'pipeline_id', 'value': nullif(h.pipeline, '')},
        {'key': 'plugin_id', 'value': nullif(h.plugin, '')},
        {'key': 'further_lines', 'value': CASE WHEN length(document) < length(raw) THEN nullif(trim(raw[length(document) + 1:], chr(10)), '') END},
        {'key': 'index_name', 'value': nullif(place.name, '')},
        {'key': 'index_id', 'value': nullif(place.id, '')},
        {'key': 'shard_id', 'value': nullif(place.shard, '')},
        {'key': 'level', 'value': CASE WHEN dataset = 'db_query' THEN level END},
        {'key': 'logger', 'value': CASE WHEN dataset = 'db_query' THEN logger END},
        {'key': 'thread', 'value': CASE WHEN dataset = 'db_query' THEN x[12] END},
        {'key': 'took', 'value': CASE WHEN dataset = 'db_query' THEN took END},
        {'key': 'source', 'value': CASE WHEN dataset = 'db_query' AND NOT regexp_matches(concat(x[8], x[9], logger), 'search|^i\.s\.s') THEN nullif(source, '') END}],
        list_filter(told_fields, lambda pair: pair.key NOT IN ('principal', 'username', 'origin_address') AND pair.value NOT IN ('', 'null')),
        CASE WHEN in_text THEN list_transform(['took_millis', 'total_hits', 'types', 'type', 'stats', 'search_type', 'total_shards', 'id', 'routing'],
            lambda name: {'key': name, 'value': app_text_slow_field(CASE WHEN name IN ('id', 'routing') THEN replace(text, source, '') ELSE text END, name)}) END,
        list_transform(list_filter(entries, lambda entry: NOT list_contains(['@timestamp', 'timestamp', 'log.level', 'level', 'log.logger', 'component', 'message', 'elasticsearch.slowlog.message',
                'process.thread.name', 'service.name', 'trace.id', 'error.type', 'error.message', 'error.stack_trace', 'stacktrace', 'took', 'source',
                'elasticsearch.slowlog.took', 'elasticsearch.slowlog.source', 'event.action', 'user.name'], entry.key)),
            lambda entry: {'key': replace(regexp_replace(entry.key, '^elasticsearch\.(?:slowlog\.)?', ''), '.', '_'), 'value': dash_null(entry.value)})), lambda entry: entry.value IS NOT NULL)) AS attributes
FROM audited
