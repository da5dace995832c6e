-- title: Apache error log, 2.2 and 2.4
-- dataset: app_log
-- record_start: ^\[[^\]]*\d\d:\d\d:\d\d[^\]]*\]
-- detect: ^\[[^\]]*\d:\d\d:\d\d[^\]]*\] \[(?:[\w.-]*:)?(?:emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])\]
-- priority: 60
-- sample: [Sun Nov 22 13:04:05.123456 2026] [core:error] [pid 4711:tid 139872] [client 203.0.113.9:52446] AH00128: File does not exist: /srv/shop/favicon.ico, referer: https://shop.example.com/
-- limits: times are in the source's zone; the module is the logger; client, referer and source file become attributes and leave the body, the text of an OS error stays in it; lines without a time belong to the record before them
WITH cleaned AS (
    SELECT origin, raw AS logged, rtrim(replace(raw, chr(13) || chr(10), chr(10)), chr(10) || chr(13)) AS raw FROM records
), headed AS (
    SELECT origin, logged, raw, regexp_extract(raw,
        '(?s)^\[([^\]]*)\](?: (?:\[(?:-|([\w.-]*):)?(emerg|alert|crit|error|warn|notice|info|debug|trace[1-8]|-)\]|(-)))?(?: (?:\[pid (\d+|-)(?::tid (\d+|-))?\]|-)(?: |$))?(.*)$',
        ['time', 'module', 'level', 'dash', 'pid', 'tid', 'rest']) AS h
    FROM cleaned
), texts AS (
    SELECT *, h.time AS time_text FROM headed
), shaped AS (
    SELECT *, moment(time_text) AS m,
        regexp_extract(h.rest, '(?s)^ ?([\w./+-]+\.\w+\(\d+\): )?(\(\d+\)[^\n]*?: )?(?:(?:\[(?:client|remote) ([^\]\n]*)\]|-)(?: |$))?(.*?)(?:, referer: ([^\n]*))?$',
            ['file', 'os_error', 'client', 'message', 'referer']) AS b,
        regexp_extract(h.rest, '(?s)^ ?([\w./+-]+\.\w+\(\d+\): )?(?:\[(?:client|remote) ([^\]\n]*)\](?: |$))?(.*?)(?:, referer: ([^\n]*))?$',
            ['file', 'client', 'message', 'referer']) AS d
    FROM texts
), chosen AS (
    -- a bracketed client may stand before or behind the text of an OS error, which has no end but a colon
    SELECT *, b.client <> '' AND d.client = '' AS is_behind,
        CASE WHEN b.client <> '' THEN b.client ELSE d.client END AS client
    FROM shaped
), placed AS (
    SELECT *, rtrim(CASE WHEN is_behind THEN b.os_error || b.message ELSE d.message END, chr(10)) AS message,
        CASE WHEN regexp_full_match(client, '\[[^\]]*\](:\d{1,5})?|[^:]*:\d{1,5}') THEN web_server_host(client)
             WHEN regexp_full_match(client, '([0-9A-Fa-f]{1,4}:){8}\d{1,5}|[0-9A-Fa-f:]*::[0-9A-Fa-f:]*:\d{5}')
             THEN regexp_extract(client, '^(.*):(\d+)$', ['host', 'port'])
             ELSE {'host': client, 'port': ''} END AS address
    FROM chosen
)
SELECT
    origin, logged AS raw,
    CASE WHEN h.time = '' THEN 'time: none in brackets at the start; expected [Sun Nov 22 13:04:05.123456 2026]'
         WHEN m.time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected Sun Nov 22 13:04:05.123456 2026'
         WHEN h.level = '' AND h.dash = ''
         THEN 'level: ' || coalesce(nullif(left(trim(h.rest), 60), ''), 'nothing') || ' after the time; expected [core:error] or [error]'
    END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN h.level IN ('', '-') OR message = '' OR regexp_matches(message, '^(-( -)*|\[(pid|client)[^\]]*)$') OR (dash_null(h.pid) IS NOT NULL AND try_cast(h.pid AS BIGINT) IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(h.level) AS severity_text,
    CASE WHEN starts_with(h.level, 'trace') THEN 1 END AS severity_number,
    dash_null(h.module) AS logger_name,
    try_cast(h.pid AS BIGINT) AS process_pid,
    nullif(CASE WHEN h.time = '' THEN raw WHEN NOT regexp_full_match(message, '-( -)*') THEN message END, '') AS body,
    attributes_of([
        {'key': 'pid', 'value': CASE WHEN try_cast(h.pid AS BIGINT) IS NULL THEN dash_null(h.pid) END},
        {'key': 'tid', 'value': dash_null(h.tid)},
        {'key': 'client', 'value': dash_null(address.host)},
        {'key': 'client_port', 'value': nullif(address.port, '')},
        {'key': 'source_file', 'value': nullif(rtrim(CASE WHEN b.file <> '' THEN b.file ELSE d.file END, ': '), '')},
        {'key': 'error_code', 'value': nullif(regexp_extract(message, '^(?:\(\d+\)[^\n]*?: )?(AH\d{5}): ', 1), '')},
        {'key': 'os_error', 'value': nullif(regexp_extract(message, '^\((\d+)\)', 1), '')},
        {'key': 'referer', 'value': dash_null(CASE WHEN is_behind THEN b.referer ELSE d.referer END)},
        {'key': 'wrong_weekday', 'value': m.wrong_weekday}
    ]) AS attributes
FROM placed
