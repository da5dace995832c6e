-- title: error log of MySQL 5.1 to 9, MariaDB, Percona Server, with mysqld_safe
-- dataset: app_log
-- record_start: ^(?:\d{6} [ \d]\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ][ \d]\d:\d\d:\d\d)
-- detect: ^(?:\d{6}|\d{4}-\d\d-\d\d)[T ][ \d]\d:\d\d:\d\d\S*\s.*(?:\[(?:Note|Warning|Warn|ERROR|Error|System|Entry)\]|InnoDB:|mysqld|mariadbd|WSREP)
-- priority: 66
-- sample: 2026-11-22T13:04:05.123456Z 7 [Warning] [MY-010068] [Server] CA certificate ca.pem is self signed.
-- limits: lines without a time belong to the line before them; not the JSON of component_log_sink_json
WITH headed AS (
    SELECT origin, raw AS logged, replace(raw, chr(13) || chr(10), chr(10)) AS raw FROM records
), shaped AS (
    SELECT *,
        regexp_extract(raw,
            '^(?s)(\d{6} [ \d]\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ][ \d]\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)(?:\s+(\d{1,20}|0x[0-9a-f]{1,16}|[0-9a-f]{4,16})\b)?(?:\s+\[([A-Za-z]+)\])?(?:\s*\[(MY-\d{1,8})\])?(?:\s*\[([A-Za-z_][\w ]*)\](?: |\n|$))?[ \t]*(.*)$',
            ['time', 'thread', 'level', 'code', 'subsystem', 'message']) AS h
    FROM headed
), timed AS (
    SELECT *, database_moment(replace(h.time, '  ', ' 0')) AS m,
        regexp_full_match(h.level, '(?i)note|warn|warning|error|system|information|entry') AS has_level,
        regexp_matches(h.message, '^(?:InnoDB|WSREP|Aria|XtraDB|Plugin|TokuDB|RocksDB|Galera|Recovery)\b|mysqld|mariadbd|mysql\.server') AS is_known,
        regexp_matches(h.time, '^\d{6} ') AS is_old
    FROM shaped
), named AS (
    -- words such as added are made of hexadecimal digits, too
    SELECT *, h.thread ~ '^(?:\d+|0x[0-9a-f]+)$' OR has_level OR starts_with(h.message, 'InnoDB:') AS has_thread,
        CASE WHEN h.code <> '' AND h.subsystem <> '' THEN h.subsystem END AS logger,
        CASE WHEN has_level THEN h.level END AS level,
        -- a bracket that is no level and no subsystem belongs to the message
        CASE WHEN h.thread <> '' AND NOT has_thread THEN h.thread || ' ' ELSE '' END
            || CASE WHEN h.level <> '' AND NOT has_level THEN '[' || h.level || '] ' ELSE '' END
            || CASE WHEN h.code = '' AND h.subsystem <> '' THEN '[' || h.subsystem || '] ' ELSE '' END || h.message AS body
    FROM timed
)
SELECT
    origin, logged AS raw,
    CASE WHEN h.time = '' THEN 'time: none at the start; expected 2026-11-22T13:04:05.123456Z 0 [Note], or 261122 13:04:05 [Note]'
         WHEN m.time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 2026-11-22T13:04:05.123456Z or 261122 13:04:05'
         WHEN NOT has_level AND NOT is_known AND NOT is_old THEN 'level: none behind the time; expected [Note], [Warning], [ERROR] or [System]' END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN body = '' THEN 'partial' ELSE 'ok' END AS parse_status,
    level AS severity_text,
    CASE lower(level) WHEN 'system' THEN 9 WHEN 'entry' THEN 9 END::TINYINT AS severity_number,
    logger AS logger_name,
    CASE WHEN h.time = '' THEN raw ELSE nullif(rtrim(body, chr(10)), '') END AS body,
    attributes_of([
        {'key': 'thread_id', 'value': CASE WHEN has_thread THEN nullif(h.thread, '') END},
        {'key': 'error_code', 'value': nullif(h.code, '')}
    ]) AS attributes
FROM named
