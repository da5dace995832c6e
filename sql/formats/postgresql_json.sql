-- title: PostgreSQL server log as JSON (jsonlog), version 15 and later
-- dataset: app_log, db_query
-- detect: "error_severity"\s*:
-- priority: 65
-- sample: {"timestamp":"2026-11-22 13:04:05.123 UTC","user":"shop","dbname":"orders","pid":4242,"remote_host":"203.0.113.9","remote_port":42304,"session_id":"667c8f67.1092","line_num":5,"ps":"SELECT","session_start":"2026-11-22 13:00:00 UTC","vxid":"21/5","txid":0,"error_severity":"LOG","message":"duration: 0.658 ms  statement: SELECT 1","application_name":"psql","backend_type":"client backend","query_id":0}
-- limits: messages in English; a statement logged without a duration is an app_log row
WITH parsed AS (
    SELECT origin, raw, CASE WHEN json_valid(raw) AND json_type(raw) = 'OBJECT' THEN database_json_entries(raw) END AS entries,
        regexp_extract(raw, '^\s*\{\s*"timestamp"\s*:\s*"([^"\\]*)"', 1) AS cut_time
    FROM records
), picked AS (
    SELECT *,
        CASE WHEN entries IS NULL THEN nullif(cut_time, '') ELSE json_field(entries, ['timestamp']).value END AS time,
        json_field(entries, ['error_severity']).value AS level,
        json_field(entries, ['message']).value AS message,
        json_field(entries, ['pid']).value AS pid,
        json_field(entries, ['user']).value AS user_text,
        json_field(entries, ['dbname']).value AS dbname,
        json_field(entries, ['remote_host']).value AS remote_host
    FROM parsed
), timed AS (
    SELECT *, database_moment(time) AS m, CASE WHEN starts_with(message, 'duration: ') THEN postgresql_duration(message) END AS d FROM picked
), queried AS (
    SELECT *, d.ms IS NOT NULL AND d.ms <> '' AS is_query, CASE WHEN d.step = 'plan' THEN postgresql_plan(d.text) END AS p FROM timed
)
SELECT
    origin, raw,
    CASE WHEN entries IS NULL AND (cut_time = '' OR m.time IS NULL OR NOT contains(raw, '"session_id"')) THEN 'line: not a JSON object; expected {"timestamp": …, "error_severity": …, "message": …} on one line'
         WHEN m.time IS NULL THEN 'timestamp: ' || coalesce(left(time, 60) || ' is not a time of a known zone', 'no such field') || '; expected 2026-11-22 13:04:05.123 UTC, or the zone of the source'
         WHEN entries IS NOT NULL AND level IS NULL THEN 'error_severity: no such field; expected LOG, ERROR, FATAL, …' END AS reject_reason,
    CASE WHEN is_query THEN 'db_query' ELSE 'app_log' END AS dataset,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN entries IS NULL OR message IS NULL OR (pid IS NOT NULL AND try_cast(pid AS BIGINT) IS NULL) OR (is_query AND d.other <> '') OR (starts_with(message, 'duration: ') AND NOT is_query) THEN 'partial' ELSE 'ok' END AS parse_status,
    try_cast(pid AS BIGINT) AS process_pid,
    level AS severity_text,
    postgresql_severity(level) AS severity_number,
    CASE WHEN entries IS NULL THEN raw ELSE message END AS body,
    CASE WHEN is_query THEN 'postgresql' END AS db_system_name,
    dbname AS db_namespace,
    user_text AS user_name,
    remote_host AS client_address,
    CASE WHEN is_query THEN try_cast(d.ms AS DOUBLE) END AS duration_ms,
    CASE WHEN d.step = 'plan' THEN coalesce(nullif(p.query, ''), d.text) ELSE nullif(d.text, '') END AS db_query_text,
    attributes_of(list_concat(list_filter(coalesce(entries, []::STRUCT("key" VARCHAR, "value" VARCHAR)[]), lambda entry: NOT list_contains(
        CASE WHEN is_query THEN ['timestamp', 'message', 'user', 'dbname', 'remote_host'] ELSE ['timestamp', 'message', 'error_severity'] END, entry.key)
        AND (entry.key <> 'pid' OR try_cast(entry.value AS BIGINT) IS NULL)), [
        {'key': 'query_step', 'value': CASE WHEN is_query THEN nullif(d.step, '') END},
        {'key': 'query_name', 'value': CASE WHEN is_query AND d.name <> '<unnamed>' THEN nullif(d.name, '') END},
        {'key': 'plan', 'value': CASE WHEN is_query THEN nullif(p.plan, '') END},
        {'key': 'extra', 'value': CASE WHEN is_query THEN nullif(d.other, '') END},
        {'key': 'wrong_weekday', 'value': m.wrong_weekday}
    ])) AS attributes
FROM queried
