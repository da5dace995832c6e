-- title: PostgreSQL server log as CSV (csvlog), versions 8.3 to 18
-- dataset: app_log, db_query
-- record_start: ^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^,"]{1,8},
-- detect: ^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^,"]{1,8},(?:[^,]*,){10}(?:DEBUG[1-5]|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC),
-- priority: 65
-- sample: 2026-11-22 13:04:05.123 UTC,"shop","orders",4242,"203.0.113.9:42304",5ff25bb2.1092,5,"SELECT",2026-11-22 13:00:00 UTC,3/7,0,LOG,00000,"duration: 0.658 ms  statement: SELECT 1",,,,,,,,,"psql","client backend",,0
-- limits: messages in English; a statement logged without a duration is an app_log row; a quoted value whose line begins like a record begins one
WITH cut AS (
    SELECT origin, raw, database_csv_cells(raw) AS c FROM records
), timed AS (
    SELECT *, database_moment(c[1]) AS m, c[14] AS message, coalesce(regexp_full_match(c[12], 'DEBUG[1-5]|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC'), false) AS is_level,
        database_peer(c[5]) AS peer,
        CASE WHEN starts_with(c[14], 'duration: ') THEN postgresql_duration(c[14]) END AS d
    FROM cut
), queried AS (
    SELECT *, is_level AND d.ms IS NOT NULL AND d.ms <> '' AS is_query, CASE WHEN d.step = 'plan' THEN postgresql_plan(d.text) END AS p FROM timed
)
SELECT
    origin, raw,
    CASE WHEN m.time IS NULL THEN 'log_time: ' || left(coalesce(c[1], ''), 60) || ' is not a time of a known zone; expected 2026-11-22 13:04:05.123 UTC as first column, or the zone of the source'
         WHEN NOT is_level AND len(c) > 12 THEN 'error_severity: ' || left(coalesce(c[12], ''), 60) || ' in column 12; expected LOG, ERROR, FATAL, …'
         WHEN c[4] IS NOT NULL AND try_cast(c[4] AS BIGINT) IS NULL THEN 'process_id: ' || left(c[4], 60) || ' in column 4; expected a number'
         WHEN len(c) < 4 THEN 'columns: ' || len(c) || ' of them; expected at least 22 as csvlog writes them' END AS reject_reason,
    CASE WHEN is_query THEN 'db_query' ELSE 'app_log' END AS dataset,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN len(c) < 22 OR (length(raw) - length(replace(raw, '"', ''))) % 2 = 1 OR (is_query AND d.other <> '') OR (starts_with(message, 'duration: ') AND NOT is_query) THEN 'partial' ELSE 'ok' END AS parse_status,
    CASE WHEN m.time IS NOT NULL THEN try_cast(c[4] AS BIGINT) END AS process_pid,
    CASE WHEN is_level THEN c[12] END AS severity_text,
    postgresql_severity(c[12]) AS severity_number,
    CASE WHEN m.time IS NULL THEN raw ELSE message END AS body,
    CASE WHEN is_query THEN 'postgresql' END AS db_system_name,
    c[3] AS db_namespace,
    c[2] AS user_name,
    nullif(peer.host, '') AS client_address,
    CASE WHEN is_query THEN try_cast(d.ms AS DOUBLE) END AS duration_ms,
    CASE WHEN d.step = 'plan' THEN coalesce(nullif(p.query, ''), d.text) ELSE nullif(d.text, '') END AS db_query_text,
    CASE WHEN m.time IS NULL THEN no_attributes() ELSE attributes_of([
        {'key': 'user_name', 'value': CASE WHEN NOT is_query THEN c[2] END},
        {'key': 'database_name', 'value': CASE WHEN NOT is_query THEN c[3] END},
        {'key': 'remote_host', 'value': CASE WHEN NOT is_query THEN nullif(peer.host, '') END},
        {'key': 'remote_port', 'value': nullif(peer.port, '')},
        {'key': 'session_id', 'value': c[6]},
        {'key': 'session_line_num', 'value': c[7]},
        {'key': 'command_tag', 'value': c[8]},
        {'key': 'session_start_time', 'value': c[9]},
        {'key': 'virtual_transaction_id', 'value': c[10]},
        {'key': 'transaction_id', 'value': c[11]},
        {'key': 'error_severity', 'value': CASE WHEN is_query OR NOT is_level THEN c[12] END},
        {'key': 'sql_state_code', 'value': c[13]},
        {'key': 'detail', 'value': c[15]},
        {'key': 'hint', 'value': c[16]},
        {'key': 'internal_query', 'value': c[17]},
        {'key': 'internal_query_pos', 'value': c[18]},
        {'key': 'context', 'value': c[19]},
        {'key': 'query', 'value': c[20]},
        {'key': 'query_pos', 'value': c[21]},
        {'key': 'location', 'value': c[22]},
        {'key': 'application_name', 'value': c[23]},
        {'key': 'backend_type', 'value': c[24]},
        {'key': 'leader_pid', 'value': c[25]},
        {'key': 'query_id', 'value': c[26]},
        {'key': 'field_27', 'value': c[27]},
        {'key': 'field_28', 'value': c[28]},
        {'key': 'field_29', 'value': c[29]},
        {'key': 'extra', 'value': CASE WHEN len(c) > 29 THEN array_to_string(c[30:], ',') WHEN is_query THEN nullif(d.other, '') END},
        {'key': 'query_step', 'value': CASE WHEN is_query THEN nullif(d.step, '') END},
        {'key': 'query_name', 'value': CASE WHEN is_query AND d.name <> '<unnamed>' THEN nullif(d.name, '') END},
        {'key': 'plan', 'value': CASE WHEN is_query THEN nullif(p.plan, '') END},
        {'key': 'wrong_weekday', 'value': m.wrong_weekday}
    ]) END AS attributes
FROM queried
