-- title: HAProxy: HTTP and TCP logs, connections, errors and notices, with or without the syslog prefix
-- dataset: web_access, net_flow, app_log
-- detect: "" "" \d+ \d{1,3} "[^"]*" "[^"]*" "|\bhaproxy[\w.-]*(?:\[\d+\])?: |\bhaproxy \d+ |\S:\d+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d+\] \S+ |^\[(?:ALERT|WARNING|NOTICE)\]\s+(?:\d{3}/\d{6} )?\(\d+\) :
-- priority: 70
-- options: captured_request_headers: names of the captured request headers in their order, such as Host|User-Agent|Referer
-- sample: Nov 22 13:04:05 lb1 haproxy[812]: 203.0.113.9:51234 [22/Nov/2026:13:04:05.123] www~ shop/app1 0/0/1/33/34 200 5123 - - ---- 12/9/3/1/0 0/0 {shop.example|Mozilla/5.0} "GET /cart?step=2 HTTP/1.1"
-- limits: accept dates and syslog times are in the source's zone; of a custom log-format only what has the order of httplog, httpslog and tcplog; sizes include the headers; httplog clf does not tell the captured request headers from those of the response: both are the attribute extra; -1 (it never came to that) is nothing
WITH prefixed AS (
    SELECT origin, raw, proxy_prefix(raw) AS full_prefix FROM records
), told AS (
    -- the short prefixes are those of log stdout format short, priority, timed and iso
    SELECT origin, raw, CASE WHEN full_prefix."time" <> '' AND NOT (full_prefix.host = '' AND full_prefix.pid = ''
        AND regexp_full_match(full_prefix.program, 'unix|\d+\.\d+\.\d+\.\d+|[0-9A-Fa-f]{1,4}') AND regexp_matches(full_prefix.message, '^(?:[^\s\[]*:)?\d+ \[\d')) THEN full_prefix ELSE regexp_extract(raw,
        '^(?:<(\d{1,3})>)?(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)) )?()(?:(haproxy[\w.-]*)(?:\[(\d+)\])?: )?(.*)$',
        ['pri', 'time', 'host', 'program', 'pid', 'message']) END AS p
    FROM prefixed
), plain AS (
    SELECT origin, raw, p, CASE WHEN contains(p.message, ' "" "" ') THEN proxy_haproxy_clf_as_http(p.message) ELSE p.message END AS message FROM told
), headed AS (
    SELECT *, regexp_extract(message,
        '^(\S+):(-?\d+|-) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)(?:\.(\d+))?(?: ([+-]\d{4}))?\] (\S+) (.*)$',
        ['client', 'port', 'clock', 'fraction', 'shift', 'frontend', 'rest']) AS h
    FROM plain
), shaped AS (
    SELECT *, h.clock IS NOT NULL AND h.clock <> '' AS is_session,
        regexp_extract(h.rest,
            '^(\S+)/(\S+) (?:([^\s/]\S*) )?(-?\d+)/(-?\d+)/(-?\d+)/(-?\d+)/(\+?-?\d+) (-?\d+|-) (\+?\d+|-) (\S+) (\S+) (\S{4}) (\+?\d+)/(\d+)/(\d+)/(\d+)/(\+?\d+) (\d+)/(\d+)(.*)$',
            ['backend', 'server', 'domain', 'tq', 'tw', 'tc', 'tr', 'tt', 'status', 'bytes', 'request_cookie', 'response_cookie', 'state',
             'actconn', 'feconn', 'beconn', 'srv_conn', 'retries', 'srv_queue', 'backend_queue', 'tail']) AS w,
        regexp_extract(h.rest,
            '^(\S+)/(\S+) (-?\d+)/(-?\d+)/(\+?-?\d+) (\+?\d+|-) (\S\S) (\+?\d+)/(\d+)/(\d+)/(\d+)/(\+?\d+) (\d+)/(\d+)(.*)$',
            ['backend', 'server', 'tw', 'tc', 'tt', 'bytes', 'state', 'actconn', 'feconn', 'beconn', 'srv_conn', 'retries', 'srv_queue', 'backend_queue', 'tail']) AS t
    FROM headed
), sorted AS (
    SELECT *,
        CASE WHEN NOT is_session THEN 'notice' WHEN w.backend <> '' THEN 'http' WHEN t.backend <> '' THEN 'tcp'
             WHEN ends_with(h.frontend, ':') THEN 'error' ELSE 'cut' END AS kind,
        regexp_extract(w.tail, '^(?: \{([^}]*)\})?(?: \{([^}]*)\})?(?: "([^"]*)("?)(.*))?$', ['captured', 'returned', 'request', 'quote', 'extra']) AS q,
        CASE WHEN NOT is_session THEN regexp_extract(message,
            '^Connect from (\S+):(\d+) to (\S+):(\d+) \((\S+)/(\S+)\)', ['client', 'client_port', 'destination', 'destination_port', 'frontend', 'mode']) END AS c,
        CASE WHEN NOT is_session AND starts_with(message, '[') THEN regexp_extract(message,
            '^\[([A-Z]+)\]\s+(?:(\d{3})/(\d\d)(\d\d)(\d\d) )?\((\d+)\) : (.*)$', ['level', 'day', 'hour', 'minute', 'second', 'pid', 'text']) END AS b
    FROM shaped
), requested AS (
    SELECT *, string_split(q.request, ' ') AS words,
        CASE WHEN q.extra <> '' THEN regexp_extract(q.extra, '^ (\S+/\S+/\S+/\S+/\S+) (\S+)/(TLSv[\d.]+|SSLv\d|-)/(\S+)(.*)$', ['errors', 'sni', 'version', 'cipher', 'more']) END AS s,
        CASE WHEN getvariable('options')['captured_request_headers'] IS NOT NULL
             THEN list_transform(string_split(getvariable('options')['captured_request_headers'], '|'), lambda name: lower(trim(name))) END AS header_names,
        string_split(q.captured, '|') AS headers,
        CASE WHEN is_session THEN try_strptime(h.clock, '%d/%b/%Y:%H:%M:%S') + fraction_micros(h.fraction)
             WHEN b.day <> '' THEN proxy_day_of_year(b.day, b.hour || ':' || b.minute || ':' || b.second) END AS wall,
        CASE WHEN NOT is_session AND p."time" <> '' THEN proxy_moment(p."time") END AS m
    FROM sorted
), timed AS (
    SELECT *, request_is_plain(words) AS known, CASE WHEN kind = 'http' AND NOT request_is_plain(words) THEN odd_request(q.request) END AS odd,
        CASE WHEN h.shift <> '' THEN wall - to_minutes(proxy_offset_minutes(h.shift)) WHEN wall IS NOT NULL THEN local_to_utc(wall, getvariable('zone')) ELSE m.time END AS event_time,
        kind = 'notice' AND (coalesce(b.level, '') <> '' OR contains(lower(p.program), 'haproxy')
            OR regexp_matches(message, '^(?:Proxy|Server|Backup Server|Backend|Frontend|Health check for|Stopping|Pausing|Resuming|Enabling|Connect from) .')) AS is_notice
    FROM requested
), targeted AS (
    SELECT *, CASE WHEN known THEN words[2] ELSE dash_null(odd.target) END AS target,
        CASE WHEN kind = 'http' THEN w.tt WHEN kind = 'tcp' THEN t.tt END AS total,
        CASE WHEN kind = 'http' THEN w.bytes WHEN kind = 'tcp' THEN t.bytes END AS bytes,
        is_notice AND event_time IS NULL AND coalesce(b.level <> '' AND b.day = '' OR p."time" = '' AND (p.pri <> '' OR p.program <> ''), false) AS may_be_timeless
    FROM timed
), located AS (
    -- a request of HTTP/2 is logged with its whole URL
    SELECT * REPLACE (CASE WHEN u.host <> '' THEN CASE WHEN u.target[1] = '/' THEN u.target ELSE '/' || u.target END ELSE target END AS target)
    FROM (SELECT *, CASE WHEN contains(target, '://') THEN proxy_url(target) END AS u FROM targeted)
), judged AS (
    SELECT *, bytes NOT IN ('', '-') AND body_size(ltrim(bytes, '+')) IS NULL AS has_odd_size,
        w.status NOT IN ('', '-', '-1') AND try_cast(w.status AS SMALLINT) IS NULL AS has_odd_status
    FROM located
)
SELECT
    origin, raw,
    CASE kind WHEN 'http' THEN 'web_access' WHEN 'cut' THEN 'web_access' WHEN 'tcp' THEN 'net_flow' ELSE 'app_log' END AS dataset,
    CASE WHEN kind = 'notice' AND NOT is_notice
         THEN 'client: no address, port and accept date; expected 203.0.113.9:51234 [22/Nov/2026:13:04:05.123], or a message of haproxy'
         WHEN is_session AND event_time IS NULL
         THEN 'time: ' || left(h.clock, 60) || ' is not a time; expected 22/Nov/2026:13:04:05.123'
         WHEN kind = 'notice' AND event_time IS NULL AND NOT may_be_timeless
         THEN 'time: ' || CASE WHEN p."time" = '' THEN 'none before the message' ELSE left(p."time", 60) || ' is not a time' END || '; expected Nov 22 13:04:05'
    END AS reject_reason,
    CASE WHEN may_be_timeless AND origin.wrapper_time IS NULL THEN getvariable('landing')::TIMESTAMP ELSE event_time END AS event_time,
    CASE WHEN may_be_timeless AND origin.wrapper_time IS NULL THEN 'landing_hour' WHEN h.shift <> '' THEN 'offset'
         WHEN is_session THEN local_basis(wall, getvariable('zone'))
         WHEN wall IS NOT NULL THEN local_basis(wall, getvariable('zone')) || '_year_inferred' ELSE m.basis END AS time_basis,
    CASE WHEN kind = 'cut' OR has_odd_size OR has_odd_status OR (kind = 'http' AND NOT ((known OR q.request = '-') AND q.quote = '"')) THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(p.host) AS host_name,
    -- web_access
    CASE WHEN kind IN ('http', 'cut') THEN dash_null(h.client) END AS client_address,
    CASE WHEN known THEN words[1] ELSE dash_null(odd.method) END AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    CASE WHEN known THEN words[3][6:] ELSE dash_null(odd.version) END AS network_protocol_version,
    CASE WHEN w.status <> '-1' THEN try_cast(w.status AS SMALLINT) END AS http_response_status_code,
    CASE WHEN kind = 'http' THEN body_size(ltrim(bytes, '+')) END AS http_response_body_size_bytes,
    proxy_millis(total) AS duration_ms,
    proxy_millis(w.tr) AS upstream_duration_ms,
    dash_null(headers[list_position(header_names, 'referer')]) AS http_request_referrer,
    dash_null(headers[list_position(header_names, 'user-agent')]) AS user_agent_original,
    coalesce(proxy_host(dash_null(headers[list_position(header_names, 'host')])), dash_null(w.domain), nullif(trim(u.host, '[]'), '')) AS server_address,
    proxy_tls_version(s.version) AS tls_protocol_version,
    -- net_flow
    CASE WHEN kind = 'tcp' THEN dash_null(h.client) END AS source_address,
    CASE WHEN kind = 'tcp' THEN try_cast(h.port AS INTEGER) END AS source_port,
    CASE WHEN kind = 'tcp' THEN 'tcp' END AS network_transport,
    CASE WHEN kind = 'tcp' THEN h.frontend END AS network_interface_name,
    CASE WHEN kind = 'tcp' THEN body_size(ltrim(bytes, '+')) END AS network_bytes,
    CASE WHEN kind = 'tcp' AND NOT starts_with(total, '+') THEN event_time + to_milliseconds(proxy_millis(total)) END AS end_time,
    CASE WHEN kind = 'tcp' THEN t.state END AS flow_action,
    -- app_log
    CASE WHEN kind IN ('notice', 'error') THEN coalesce(nullif(b.level, ''), proxy_severity(p.pri)) END AS severity_text,
    CASE WHEN kind IN ('notice', 'error') THEN coalesce(try_cast(nullif(b.pid, '') AS BIGINT), try_cast(p.pid AS BIGINT)) END AS process_pid,
    CASE WHEN kind = 'error' THEN h.rest WHEN b.level <> '' THEN b.text WHEN kind = 'notice' THEN message END AS body,
    attributes_of([
        {'key': 'pri', 'value': nullif(p.pri, '')},
        {'key': 'syslog_time', 'value': CASE WHEN is_session THEN nullif(p."time", '') END},
        {'key': 'program', 'value': dash_null(p.program)},
        {'key': 'pid', 'value': CASE WHEN kind IN ('http', 'tcp', 'cut') THEN dash_null(p.pid) END},
        {'key': 'client_address', 'value': CASE WHEN kind = 'error' THEN dash_null(h.client) ELSE nullif(c.client, '') END},
        {'key': 'client_port', 'value': CASE WHEN kind IN ('http', 'error', 'cut') THEN dash_null(h.port) ELSE nullif(c.client_port, '') END},
        {'key': 'destination_address', 'value': nullif(c.destination, '')},
        {'key': 'destination_port', 'value': nullif(c.destination_port, '')},
        {'key': 'frontend_name', 'value': CASE kind WHEN 'error' THEN regexp_replace(h.frontend, '(?:/[^/]*)?:$', '') WHEN 'tcp' THEN NULL WHEN 'notice' THEN nullif(c.frontend, '') ELSE h.frontend END},
        {'key': 'bind_name', 'value': CASE WHEN kind = 'error' THEN nullif(regexp_extract(h.frontend, '/([^/]*):$', 1), '') END},
        {'key': 'mode', 'value': nullif(c.mode, '')},
        {'key': 'backend_name', 'value': CASE WHEN kind = 'tcp' THEN t.backend ELSE nullif(w.backend, '') END},
        {'key': 'server_name', 'value': CASE WHEN kind = 'tcp' THEN t.server ELSE nullif(w.server, '') END},
        {'key': 'tq', 'value': proxy_counted(w.tq)},
        {'key': 'tw', 'value': CASE WHEN kind = 'tcp' THEN proxy_counted(t.tw) ELSE proxy_counted(w.tw) END},
        {'key': 'tc', 'value': CASE WHEN kind = 'tcp' THEN proxy_counted(t.tc) ELSE proxy_counted(w.tc) END},
        {'key': 'logasap', 'value': CASE WHEN starts_with(total, '+') OR starts_with(bytes, '+') THEN 'true' END},
        {'key': 'status_code', 'value': CASE WHEN has_odd_status THEN w.status END},
        {'key': 'bytes_read', 'value': CASE WHEN has_odd_size THEN bytes END},
        {'key': 'captured_request_cookie', 'value': dash_null(w.request_cookie)},
        {'key': 'captured_response_cookie', 'value': dash_null(w.response_cookie)},
        {'key': 'termination_state', 'value': nullif(w.state, '')},
        {'key': 'actconn', 'value': CASE WHEN kind = 'tcp' THEN t.actconn ELSE nullif(w.actconn, '') END},
        {'key': 'feconn', 'value': CASE WHEN kind = 'tcp' THEN t.feconn ELSE nullif(w.feconn, '') END},
        {'key': 'beconn', 'value': CASE WHEN kind = 'tcp' THEN t.beconn ELSE nullif(w.beconn, '') END},
        {'key': 'srv_conn', 'value': CASE WHEN kind = 'tcp' THEN t.srv_conn ELSE nullif(w.srv_conn, '') END},
        {'key': 'retries', 'value': CASE WHEN kind = 'tcp' THEN t.retries ELSE nullif(w.retries, '') END},
        {'key': 'srv_queue', 'value': CASE WHEN kind = 'tcp' THEN t.srv_queue ELSE nullif(w.srv_queue, '') END},
        {'key': 'backend_queue', 'value': CASE WHEN kind = 'tcp' THEN t.backend_queue ELSE nullif(w.backend_queue, '') END},
        {'key': 'captured_request_headers', 'value': nullif(q.captured, '')},
        {'key': 'captured_response_headers', 'value': nullif(q.returned, '')},
        {'key': 'request', 'value': CASE WHEN kind = 'http' AND NOT known AND dash_null(odd.method) IS NULL THEN dash_null(q.request) END},
        {'key': 'url_scheme', 'value': nullif(u.scheme, '')},
        {'key': 'url_port', 'value': nullif(u.port, '')},
        {'key': 'ssl_errors', 'value': nullif(s.errors, '')},
        {'key': 'ssl_fc_sni', 'value': dash_null(s.sni)},
        {'key': 'ssl_cipher', 'value': dash_null(s.cipher)},
        {'key': 'extra', 'value': nullif(trim(CASE WHEN kind = 'cut' THEN h.rest WHEN kind = 'tcp' THEN t.tail WHEN s.errors <> '' THEN s.more
                                                   WHEN kind = 'http' AND q.quote IS NOT NULL AND q.quote <> '' THEN q.extra
                                                   WHEN kind = 'http' AND q.request = '' THEN w.tail END), '')}
    ]) AS attributes
FROM judged
