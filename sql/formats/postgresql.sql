-- title: PostgreSQL server log (stderr), with any log_line_prefix
-- dataset: app_log, db_query
-- record_start: ^(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d|(?:[^\s].{0,300}?\b)?(?:DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION|BACKTRACE):  )
-- detect: (?:^|\W)(?:DEBUG[1-5]|LOG|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT|LOCATION): 
-- priority: 60
-- options: log_line_prefix: as in postgresql.conf, such as %m [%p] %q%u@%d (default: the usual prefixes are recognised); record_start: RE2 pattern of a record's first line, for a prefix that does not begin with the time
-- sample: 2026-11-22 13:04:05.123 UTC [4242] shop@orders LOG:  duration: 112.337 ms  execute S_1: SELECT * FROM carts WHERE id = $1
-- limits: messages in English; DETAIL, HINT, CONTEXT and STATEMENT lines are rows of their own; a statement logged without a duration is an app_log row; times need %m, %t or %n in the prefix
WITH headed AS (
    SELECT origin, raw,
        regexp_extract(raw, '^(?s)(.*?)\b(' || postgresql_levels() || '):\s+(?:((?:\d[0-9A-Z]|[A-Z][A-Z0-9])[0-9A-Z]\d[0-9A-Z]): )?(.*)$',
            ['prefix', 'level', 'sqlstate', 'message']) AS h,
        getvariable('options')['log_line_prefix'] IS NOT NULL
            AND regexp_matches(raw, postgresql_prefix_pattern(coalesce(getvariable('options')['log_line_prefix'], ''), '~') || '(?:' || postgresql_levels() || '):') AS configured
    FROM records
), timed AS (
    SELECT *,
        CASE WHEN configured THEN coalesce(postgresql_prefix_field(raw, 'm'), postgresql_prefix_field(raw, 't'), postgresql_prefix_field(raw, 'n'))
             ELSE regexp_extract(h.prefix, '\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:[A-Z]{1,5}\b|[+-]\d\d(?::?\d\d)?\b))?|^\W*\b\d{10}(?:\.\d+)?\b') END AS time_text
    FROM headed
), prefixed AS (
    SELECT *, ltrim(time_text, ' [(<') AS time, CASE WHEN NOT configured AND time_text <> ''
             THEN ltrim(ltrim(left(h.prefix, instr(h.prefix, time_text) - 1), ' [(<') || ' ', ' ') || h.prefix[instr(h.prefix, time_text) + length(time_text):] ELSE h.prefix END AS rest
    FROM timed
), moved AS (
    SELECT *, database_moment(time) AS m, database_epoch(time) AS epoch,
        CASE WHEN NOT configured THEN regexp_extract(rest, '^:([^@\s]*?)(?:\((\d+)\))?:([^@\s:]*)@([^\s:]*):\[(\d+)\]', ['host', 'port', 'user', 'database', 'pid']) END AS colons,
        CASE WHEN NOT configured THEN regexp_extract(rest, '(?:^|\s|,)([^\s@=,:\[\]]+|\[unknown\])@([^\s@=,:/\[\]]+|\[unknown\])(?:[\s,:/]|$)', ['user', 'database']) END AS pair,
        CASE WHEN NOT configured THEN regexp_extract(rest, '(?:^|[\s|,;(])((?:(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?::[0-9a-f]{1,4}[0-9a-f:.]*|(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|\[local\])(?:\(\d{1,5}\))?)(?:[\s|,;):]|$)', 1) END AS bare_host,
        CASE WHEN NOT configured THEN regexp_extract(rest, '\b([0-9a-f]{8})\.([0-9a-f]+)\b', ['start', 'pid']) END AS session,
        h.message AS message
    FROM prefixed
), fields AS (
    SELECT *,
        CASE WHEN configured THEN postgresql_prefix_field(raw, 'p')
             ELSE coalesce(nullif(colons.pid, ''), nullif(regexp_extract(regexp_extract(rest, '\bpid=\d+|^:?\s*\[\d+(?:-\d+)?\]|[\s:]\[\d+(?:-\d+)?\]', 0), '\d+'), '')) END AS pid_text,
        CASE WHEN configured THEN postgresql_prefix_field(raw, 'u')
             ELSE coalesce(nullif(colons."user", ''), nullif(regexp_extract(rest, '\b(?:user|usr|username)=([^,\s\]]*)', 1), ''), pair."user") END AS user_text,
        CASE WHEN configured THEN postgresql_prefix_field(raw, 'd')
             ELSE coalesce(nullif(colons.database, ''), nullif(regexp_extract(rest, '\b(?:db|database|dbname)=([^,\s\]]*)', 1), ''), pair.database) END AS database_text,
        CASE WHEN configured THEN postgresql_prefix_field(raw, 'a')
             ELSE trim(regexp_extract(rest, '\b(?:app|application|application_name|appname)=(\[unknown\]|.*?)(?:,\s*\w+=|\s\w+=|\]|,?:?\s*$)', 1)) END AS application_text,
        CASE WHEN configured THEN coalesce(postgresql_prefix_field(raw, 'r'), postgresql_prefix_field(raw, 'h'))
             ELSE coalesce(nullif(colons.host || CASE WHEN colons.port <> '' THEN '(' || colons.port || ')' ELSE '' END, ''),
                           nullif(regexp_extract(rest, '\b(?:client|host|remote|rhost)=([^,\s]*)', 1), ''), bare_host) END AS host_text,
        CASE WHEN configured THEN postgresql_prefix_field(raw, 'l')
             WHEN regexp_matches(rest, '\[\d+\]') THEN regexp_extract(rest, '\[(\d+)-1\]', 1)
             ELSE regexp_extract(rest, '\[\d+-(\d+)\]', 1) END AS line_text,
        CASE WHEN configured THEN postgresql_prefix_field(raw, 'c')
             WHEN session.pid <> '' THEN session.start || '.' || session.pid END AS session_text,
        CASE WHEN configured THEN postgresql_prefix_field(raw, 'Q')
             ELSE regexp_extract(rest, '\b(?:queryid|query_id|qid)=(-?\d+)', 1) END AS query_id_text,
        CASE WHEN NOT configured THEN nullif(regexp_extract(rest, '\b(?:sql_error_code|sqlstate) ?= ?([0-9A-Z]{5})\b', 1), '') END AS error_code
    FROM moved
), sessions AS (
    SELECT *,
        coalesce(try_cast(pid_text AS BIGINT), CASE WHEN pid_text IS NULL THEN try_cast('0x' || session.pid AS BIGINT) END) AS pid,
        postgresql_known(regexp_extract(host_text, '^(.*?)(?:\(\d+\))?$', 1)) AS host,
        postgresql_known(user_text) AS user_name, postgresql_known(database_text) AS database_name,
        CASE WHEN starts_with(message, 'duration: ') THEN postgresql_duration(message) END AS d,
        -- whether the prefix has more than the fields that were recognised in it
        NOT configured AND h.level <> '' AND regexp_matches(replace(replace(replace(replace(replace(regexp_replace(rest,
            '\[\d+(?:-\d+)?\]|\bpid=\d+|\b[0-9a-f]{8}\.[0-9a-f]+\b|\b(?:user|usr|username|db|database|dbname|app|application|application_name|appname|client|host|remote|rhost|queryid|query_id|qid|sql_error_code|sqlstate)\s?=\s?', ' ', 'g'),
            coalesce(nullif(application_text, ''), ' '), ' '), coalesce(nullif(host_text, ''), ' '), ' '), coalesce(nullif(database_text, ''), ' '), ' '),
            coalesce(nullif(user_text, ''), ' '), ' '), coalesce(nullif(coalesce(nullif(query_id_text, ''), error_code), ''), ' '), ' '), '[A-Za-z0-9]') AS has_more
    FROM fields
), queried AS (
    SELECT *, d.ms <> '' AND d.ms IS NOT NULL AS is_query, CASE WHEN d.step = 'plan' THEN postgresql_plan(d.text) END AS p FROM sessions
)
SELECT
    origin, raw,
    CASE WHEN h.level = '' THEN 'level: none of LOG, ERROR, FATAL, … followed by a colon; expected a prefix and LOG:  message'
         WHEN coalesce(epoch, m.time) IS NULL AND coalesce(time, '') = '' THEN 'time: none in the prefix ' || left(h.prefix, 60) || '; expected %m, %t or %n in log_line_prefix, as 2026-11-22 13:04:05.123 UTC'
         WHEN coalesce(epoch, m.time) IS NULL THEN 'time: ' || left(time, 60) || ' is not a time of a known zone; expected 2026-11-22 13:04:05.123 UTC, or the zone of the source' END AS reject_reason,
    CASE WHEN is_query THEN 'db_query' ELSE 'app_log' END AS dataset,
    coalesce(epoch, m.time) AS event_time,
    CASE WHEN epoch IS NOT NULL THEN 'epoch' ELSE m.basis END AS time_basis,
    CASE WHEN (is_query AND d.other <> '') OR (starts_with(message, 'duration: ') AND NOT is_query) OR (pid IS NULL AND pid_text <> '') THEN 'partial' ELSE 'ok' END AS parse_status,
    pid AS process_pid,
    nullif(h.level, '') AS severity_text,
    postgresql_severity(h.level) AS severity_number,
    CASE WHEN h.level = '' THEN raw ELSE nullif(message, '') END AS body,
    CASE WHEN is_query THEN 'postgresql' END AS db_system_name,
    database_name AS db_namespace,
    user_name,
    host AS client_address,
    CASE WHEN is_query THEN try_cast(d.ms AS DOUBLE) END AS duration_ms,
    CASE WHEN d.step = 'plan' THEN coalesce(nullif(p.query, ''), d.text) ELSE nullif(d.text, '') END AS db_query_text,
    attributes_of([
        {'key': 'user_name', 'value': CASE WHEN NOT is_query THEN user_name END},
        {'key': 'database_name', 'value': CASE WHEN NOT is_query THEN database_name END},
        {'key': 'remote_host', 'value': CASE WHEN NOT is_query THEN host END},
        {'key': 'remote_port', 'value': nullif(regexp_extract(host_text, '\((\d+)\)$', 1), '')},
        {'key': 'application_name', 'value': postgresql_known(application_text)},
        {'key': 'session_id', 'value': nullif(session_text, '')},
        {'key': 'session_line_num', 'value': nullif(line_text, '')},
        {'key': 'session_start_time', 'value': CASE WHEN configured THEN postgresql_prefix_field(raw, 's') END},
        {'key': 'command_tag', 'value': CASE WHEN configured THEN postgresql_prefix_field(raw, 'i') END},
        {'key': 'virtual_transaction_id', 'value': CASE WHEN configured THEN postgresql_prefix_field(raw, 'v') END},
        {'key': 'transaction_id', 'value': CASE WHEN configured THEN postgresql_prefix_field(raw, 'x') END},
        {'key': 'backend_type', 'value': CASE WHEN configured THEN postgresql_prefix_field(raw, 'b') END},
        {'key': 'leader_pid', 'value': CASE WHEN configured THEN postgresql_prefix_field(raw, 'P') END},
        {'key': 'query_id', 'value': nullif(query_id_text, '')},
        {'key': 'sql_state_code', 'value': coalesce(nullif(h.sqlstate, ''), CASE WHEN configured THEN postgresql_prefix_field(raw, 'e') ELSE error_code END)},
        {'key': 'local_address', 'value': CASE WHEN configured THEN postgresql_prefix_field(raw, 'L') END},
        {'key': 'prefix', 'value': CASE WHEN has_more THEN trim(rest) END},
        {'key': 'error_severity', 'value': CASE WHEN is_query THEN h.level END},
        {'key': 'query_step', 'value': CASE WHEN is_query THEN nullif(d.step, '') END},
        {'key': 'query_name', 'value': CASE WHEN is_query AND d.name <> '<unnamed>' THEN nullif(d.name, '') END},
        {'key': 'plan', 'value': CASE WHEN is_query THEN nullif(p.plan, '') END},
        {'key': 'extra', 'value': CASE WHEN is_query THEN nullif(d.other, '') END},
        {'key': 'process_id', 'value': CASE WHEN pid IS NULL THEN nullif(pid_text, '') END},
        {'key': 'wrong_weekday', 'value': m.wrong_weekday}
    ]) AS attributes
FROM queried
