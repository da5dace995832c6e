-- title: nginx error log
-- dataset: app_log
-- record_start: ^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d
-- detect: ^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\S* \[(?:emerg|alert|crit|error|warn|notice|info|debug)\] \d+#\d+
-- priority: 60
-- sample: 2026/11/22 13:04:05 [error] 4711#4712: *93 open() "/srv/shop/favicon.ico" failed (2: No such file or directory), client: 203.0.113.9, server: shop.example.com, request: "GET /favicon.ico HTTP/1.1", host: "shop.example.com"
-- limits: times are in the source's zone; client, server, request, upstream, host and referrer become attributes where they stand in nginx's order at the end, else they stay in the body as well
WITH headed AS (
    SELECT origin, raw AS logged, rtrim(replace(raw, chr(13) || chr(10), chr(10)), chr(10) || chr(13)) AS raw FROM records
), shaped AS (
    SELECT origin, logged, raw, regexp_extract(raw,
        '(?s)^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?) \[(\w+)\]?(?: (\d+)#(\d+):?)?(?: \*(\d+))? ?(.*)$',
        ['time', 'level', 'pid', 'tid', 'connection', 'message']) AS h
    FROM headed
), texts AS (
    SELECT *, h.time AS time_text FROM shaped
), cut AS (
    SELECT *, moment(time_text) AS m,
        regexp_extract(h.message,
            '(?s)^(.*?), client: ([^,\n]*)(?:, server: ([^,\n]*))?(?:, login: "([^"\n]*)")?(?:, request: "(.*?)")?(?:, subrequest: "(.*?)")?(?:, upstream: "?(.*?)"?)?(?:, bytes from/to client:(\d+/\d+), bytes from/to upstream:(\d+/\d+))?(?:, host: "(.*?)")?(?:, referrer: "(.*?)")?$',
            ['body', 'client', 'server', 'login', 'request', 'subrequest', 'upstream', 'client_bytes', 'upstream_bytes', 'host', 'referrer']) AS c
    FROM texts
), found AS (
    SELECT *, c.body <> '' AS is_whole,
        regexp_extract(h.message, ', excess: ([\d.]+),? by zone "([^"]*)"', ['excess', 'zone']) AS l,
        CASE WHEN c.body = '' THEN regexp_extract(h.message, ', client: ([^,\n]+)(?:, server: ([^,\n]*))?(?:, request: "([^"\n]*))?', ['client', 'server', 'request']) END AS p
    FROM cut
)
SELECT
    origin, logged AS raw,
    CASE WHEN h.time = '' THEN 'time: none at the start with a level behind it; expected 2026/11/22 13:04:05 [error]'
         WHEN m.time IS NULL THEN 'time: ' || h.time || ' is not a time; expected 2026/11/22 13:04:05'
         WHEN h.level NOT IN ('emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug') AND h.pid = '' AND h.message <> ''
         THEN 'level: ' || h.level || ' without pid#tid; expected [error] 4711#4712:' END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN h.message = '' OR try_cast(h.pid AS BIGINT) IS NULL OR (p.client <> '' AND len(string_split(h.message, '"')) % 2 = 0)
         THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(h.level, '') AS severity_text,
    try_cast(h.pid AS BIGINT) AS process_pid,
    nullif(CASE WHEN h.time = '' THEN raw WHEN is_whole THEN c.body ELSE h.message END, '') AS body,
    attributes_of([
        {'key': 'pid', 'value': CASE WHEN try_cast(h.pid AS BIGINT) IS NULL THEN nullif(h.pid, '') END},
        {'key': 'tid', 'value': nullif(h.tid, '')},
        {'key': 'connection', 'value': nullif(h.connection, '')},
        {'key': 'client', 'value': nullif(CASE WHEN is_whole THEN c.client ELSE p.client END, '')},
        {'key': 'server', 'value': nullif(CASE WHEN is_whole THEN c.server ELSE p.server END, '')},
        {'key': 'login', 'value': nullif(c.login, '')},
        {'key': 'request', 'value': nullif(CASE WHEN is_whole THEN c.request ELSE p.request END, '')},
        {'key': 'subrequest', 'value': nullif(c.subrequest, '')},
        {'key': 'upstream', 'value': nullif(c.upstream, '')},
        {'key': 'bytes_from_to_client', 'value': nullif(c.client_bytes, '')},
        {'key': 'bytes_from_to_upstream', 'value': nullif(c.upstream_bytes, '')},
        {'key': 'host', 'value': nullif(c.host, '')},
        {'key': 'referrer', 'value': nullif(c.referrer, '')},
        {'key': 'excess', 'value': nullif(l.excess, '')},
        {'key': 'zone', 'value': nullif(l.zone, '')},
        {'key': 'wrong_weekday', 'value': m.wrong_weekday}
    ]) AS attributes
FROM found
