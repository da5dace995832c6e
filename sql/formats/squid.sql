-- title: Squid access log in its native format, with or without a syslog prefix
-- dataset: web_access
-- detect: (?:^|: )\d{9,11}\.\d{3,6}\s+-?\d+ \S+ [A-Z_]+/(?:\d{3}|-) -?\d+ \S+ 
-- priority: 60
-- sample: 1795352645.123     34 203.0.113.9 TCP_MISS/200 5123 GET http://shop.example/cart?step=2 frank HIER_DIRECT/198.51.100.10 text/html
-- limits: squid's combined format is read by combined; a whole URL becomes server_address, url_path and url_query with scheme and port as attributes; bytes include the headers
WITH prefixed AS (
    SELECT origin, raw, CASE WHEN NOT regexp_matches(raw, '^\d{9}') THEN proxy_prefix(raw) END AS p FROM records
), told AS (
    SELECT *, CASE WHEN p."time" <> '' THEN p.message ELSE raw END AS message FROM prefixed
), split AS (
    SELECT origin, raw, p, regexp_extract(message,
        '^(\d{9,11}(?:\.\d{1,9})?)\s+(-?\d+) (\S+) ([A-Z_]+(?:/[A-Z_]+)?)/(\d{1,3}|-) (-?\d+|-) (\S+) (.*?) (\S+) ([A-Z][A-Z0-9_]*)/(\S+) (\S+)(.*)$',
        ['time', 'elapsed', 'client', 'result', 'status', 'size', 'method', 'url', 'user', 'hierarchy', 'peer', 'type', 'extra']) AS f,
        regexp_extract(message, '^(\d{9,11}(?:\.\d{1,9})?)\s+(-?\d+) (\S+) ([A-Z_]+(?:/[A-Z_]+)?)/(\d{1,3}|-)(.*)$', ['time', 'elapsed', 'client', 'result', 'status', 'rest']) AS cut
    FROM told
), placed AS (
    SELECT *, f."time" IS NOT NULL AND f."time" <> '' AS is_whole, proxy_url(f.url) AS u, proxy_epoch(cut."time") AS event_time FROM split
), targeted AS (
    SELECT *, u.scheme IS NOT NULL AND u.scheme <> '' AS is_url, starts_with(f.url, 'error:') AS is_error,
        f.method = 'CONNECT' AS is_tunnel,
        coalesce(f.size NOT IN ('', '-', '-1') AND body_size(ltrim(f.size, '-')) IS NULL, false) AS has_odd_size,
        CASE WHEN u.scheme <> '' THEN CASE WHEN u.target = '' OR u.target[1] = '?' THEN '/' || u.target ELSE u.target END ELSE dash_null(f.url) END AS target
    FROM placed
)
SELECT
    origin, raw,
    CASE WHEN cut."time" IS NULL OR cut."time" = ''
         THEN 'line: no epoch time, elapsed time, client and result/status; expected 1795352645.123     34 203.0.113.9 TCP_MISS/200 …'
         WHEN event_time IS NULL THEN 'time: ' || cut."time" || ' is not a time; expected seconds since 1970 such as 1795352645.123' END AS reject_reason,
    event_time,
    'epoch' AS time_basis,
    CASE WHEN is_whole AND NOT has_odd_size THEN 'ok' ELSE 'partial' END AS parse_status,
    dash_null(p.host) AS host_name,
    dash_null(cut.client) AS client_address,
    dash_null(f.user) AS user_name,
    CASE WHEN f.method NOT IN ('NONE', '-') THEN nullif(f.method, '') END AS http_request_method,
    CASE WHEN NOT is_error THEN url_path_of(target) END AS url_path,
    CASE WHEN NOT is_error THEN url_query_of(target) END AS url_query,
    nullif(try_cast(cut.status AS SMALLINT), 0) AS http_response_status_code,
    body_size(CASE WHEN f.size[1] <> '-' THEN f.size END) AS http_response_body_size_bytes,
    proxy_millis(cut.elapsed) AS duration_ms,
    CASE WHEN is_url THEN nullif(trim(u.host, '[]'), '') WHEN is_tunnel THEN proxy_host(f.url) END AS server_address,
    attributes_of([
        {'key': 'pri', 'value': nullif(p.pri, '')},
        {'key': 'syslog_time', 'value': nullif(p."time", '')},
        {'key': 'program', 'value': nullif(p.program, '')},
        {'key': 'pid', 'value': nullif(p.pid, '')},
        {'key': 'result_code', 'value': nullif(cut.result, '')},
        {'key': 'status', 'value': CASE WHEN regexp_full_match(cut.status, '0+') THEN cut.status END},
        {'key': 'elapsed', 'value': CASE WHEN starts_with(cut.elapsed, '-') THEN cut.elapsed END},
        {'key': 'bytes', 'value': CASE WHEN has_odd_size THEN f.size END},
        {'key': 'url', 'value': CASE WHEN is_error THEN f.url END},
        {'key': 'url_scheme', 'value': CASE WHEN is_url THEN u.scheme END},
        {'key': 'url_port', 'value': CASE WHEN is_url THEN nullif(u.port, '') END},
        {'key': 'hierarchy_code', 'value': dash_null(f.hierarchy)},
        {'key': 'peer', 'value': dash_null(f.peer)},
        {'key': 'content_type', 'value': dash_null(f.type)},
        {'key': 'extra', 'value': nullif(trim(CASE WHEN is_whole THEN f.extra ELSE cut.rest END), '')}
    ]) AS attributes
FROM targeted
