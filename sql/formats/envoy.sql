-- title: Envoy and Istio access log in their default formats, HTTP and TCP
-- dataset: web_access, net_flow
-- detect: ^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\] "[^"]*" \d+ \S+ 
-- priority: 60
-- sample: [2026-11-22T13:04:05.123Z] "POST /api/orders?v=2 HTTP/2" 204 - 154 0 226 100 "203.0.113.9" "curl/8.9.1" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "shop.example" "198.51.100.10:8080"
-- limits: Envoy's default and Istio's text format, whose fields behind the upstream host are named where there are six; the client is the first address of X-Forwarded-For, else the downstream remote address; bytes as Envoy counts bodies
WITH headed AS (
    SELECT origin, raw, regexp_extract(raw,
        '^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))\] "(.*?)" (\d{1,3}|-) (\S+) ((?:(?:"(?:[^"\\]|\\.)*"|[^\s"{]+(?:\{[^}]*\})?) ){0,3}?)(\d+|-) (\d+|-) (\d+|-) (\d+|-) (".*)$',
        ['time', 'request', 'status', 'flags', 'why', 'received', 'sent', 'duration', 'upstream', 'tail']) AS h,
        regexp_extract(raw, '^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))\](?: "([^"]*))?', ['time', 'request']) AS cut
    FROM records
), tailed AS (
    SELECT *, h."time" IS NOT NULL AND h."time" <> '' AS is_whole,
        regexp_extract(h.tail, '^"(.*?)" "(.*?)" "(.*?)" "(.*?)" "([^"]*)"(.*)$', ['forwarded', 'agent', 'request_id', 'authority', 'upstream_host', 'more']) AS q,
        regexp_extract_all(h.why, '"(?:[^"\\]|\\.)*"|[^\s"{]+(?:\{[^}]*\})?') AS why
    FROM headed
), placed AS (
    SELECT *, string_split(trim(q.more), ' ') AS places, CASE WHEN is_whole THEN h.request ELSE cut.request END AS request FROM tailed
), timed AS (
    SELECT *, iso_parts(cut."time") AS parts, string_split(request, ' ') AS words, len(places) >= 6 AS is_istio,
        -- a path may have spaces, a method and a protocol not
        is_whole AND q.upstream_host IS NOT NULL AND starts_with(request, '- - -') AND h.status IN ('0', '-') AS is_tcp,
        is_whole AND (q.more <> '' OR ends_with(h.tail, '"')) AND q.upstream_host || q.authority || q.forwarded || q.agent <> '' AS has_tail
    FROM placed
), requested AS (
    SELECT *, request_is_plain(words) AS known, CASE WHEN NOT request_is_plain(words) THEN odd_request(request) END AS odd,
        CASE WHEN is_istio THEN dash_null(places[4]) END AS remote,
        dash_null(trim(split_part(q.forwarded, ',', 1))) AS first_forwarded,
        try_cast(h.received AS BIGINT) AS received, try_cast(h.sent AS BIGINT) AS sent,
        proxy_iso_time(parts) AS event_time
    FROM timed
), targeted AS (
    SELECT *, CASE WHEN known THEN dash_null(words[2]) ELSE dash_null(odd.target) END AS target,
        proxy_address(remote) AS remote_address, proxy_address(q.upstream_host) AS upstream_address, proxy_millis(h.duration) AS milliseconds,
        coalesce(dash_null(h.received) IS NOT NULL AND body_size(h.received) IS NULL OR dash_null(h.sent) IS NOT NULL AND body_size(h.sent) IS NULL, false) AS has_odd_size
    FROM requested
)
SELECT
    origin, raw,
    CASE WHEN is_tcp THEN 'net_flow' ELSE 'web_access' END AS dataset,
    CASE WHEN cut."time" IS NULL OR cut."time" = '' THEN 'time: none at the start; expected [2026-11-22T13:04:05.123Z] "GET / HTTP/1.1" …'
         WHEN event_time IS NULL THEN 'time: ' || cut."time" || ' is not a time; expected 2026-11-22T13:04:05.123Z'
         WHEN request = '' OR NOT contains(raw, '] "') THEN 'request: none behind the time; expected "GET /cart HTTP/1.1"' END AS reject_reason,
    event_time,
    'offset' AS time_basis,
    CASE WHEN has_odd_size THEN 'partial' WHEN is_tcp AND has_tail THEN 'ok' WHEN has_tail AND (known OR request = '-') THEN 'ok' ELSE 'partial' END AS parse_status,
    -- web_access
    CASE WHEN NOT is_tcp THEN coalesce(first_forwarded, remote_address) END AS client_address,
    CASE WHEN known THEN dash_null(words[1]) ELSE dash_null(odd.method) END AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    CASE WHEN known THEN words[3][6:] ELSE dash_null(odd.version) END AS network_protocol_version,
    CASE WHEN NOT is_tcp THEN nullif(try_cast(h.status AS SMALLINT), 0) END AS http_response_status_code,
    CASE WHEN NOT is_tcp THEN body_size(h.received) END AS http_request_body_size_bytes,
    CASE WHEN NOT is_tcp THEN body_size(h.sent) END AS http_response_body_size_bytes,
    milliseconds AS duration_ms,
    CASE WHEN NOT is_tcp THEN proxy_millis(h.upstream) END AS upstream_duration_ms,
    CASE WHEN NOT is_tcp THEN dash_null(q.agent) END AS user_agent_original,
    CASE WHEN NOT is_tcp THEN proxy_host(dash_null(q.authority)) END AS server_address,
    -- net_flow
    CASE WHEN is_tcp THEN coalesce(remote_address, first_forwarded) END AS source_address,
    CASE WHEN is_tcp THEN proxy_port(remote) END AS source_port,
    CASE WHEN is_tcp THEN upstream_address END AS destination_address,
    CASE WHEN is_tcp THEN proxy_port(dash_null(q.upstream_host)) END AS destination_port,
    CASE WHEN is_tcp THEN 'tcp' END AS network_transport,
    CASE WHEN is_tcp AND received < 1000000000000000 AND sent < 1000000000000000 THEN received + sent END AS network_bytes,
    CASE WHEN is_tcp THEN event_time + to_milliseconds(milliseconds) END AS end_time,
    CASE WHEN is_tcp THEN dash_null(h.flags) END AS flow_action,
    attributes_of([
        {'key': 'response_flags', 'value': CASE WHEN NOT is_tcp THEN dash_null(h.flags) END},
        {'key': 'response_code', 'value': CASE WHEN h.status = '0' AND NOT is_tcp THEN h.status END},
        {'key': 'response_code_details', 'value': CASE WHEN len(why) = 3 THEN dash_null(why[1]) END},
        {'key': 'connection_termination_details', 'value': CASE WHEN len(why) = 3 THEN dash_null(trim(why[2], '"')) END},
        {'key': 'mixer_status', 'value': CASE WHEN len(why) = 2 THEN dash_null(trim(why[1], '"')) END},
        {'key': 'upstream_transport_failure_reason', 'value': CASE WHEN len(why) >= 1 THEN dash_null(trim(why[-1], '"')) END},
        {'key': 'bytes_received', 'value': CASE WHEN is_tcp OR has_odd_size THEN dash_null(h.received) END},
        {'key': 'bytes_sent', 'value': CASE WHEN is_tcp OR has_odd_size THEN dash_null(h.sent) END},
        {'key': 'x_forwarded_for', 'value': CASE WHEN is_tcp OR contains(q.forwarded, ',') THEN dash_null(q.forwarded) END},
        {'key': 'x_request_id', 'value': dash_null(q.request_id)},
        {'key': 'authority', 'value': CASE WHEN is_tcp OR proxy_host(q.authority) <> q.authority THEN dash_null(q.authority) END},
        {'key': 'upstream_host', 'value': CASE WHEN NOT is_tcp OR upstream_address IS NULL THEN dash_null(q.upstream_host) END},
        {'key': 'upstream_cluster', 'value': CASE WHEN is_istio THEN dash_null(places[1]) END},
        {'key': 'upstream_local_address', 'value': CASE WHEN is_istio THEN dash_null(places[2]) END},
        {'key': 'downstream_local_address', 'value': CASE WHEN is_istio THEN dash_null(places[3]) END},
        {'key': 'downstream_remote_address', 'value': CASE WHEN is_istio AND NOT is_tcp THEN remote END},
        {'key': 'requested_server_name', 'value': CASE WHEN is_istio THEN dash_null(places[5]) END},
        {'key': 'route_name', 'value': CASE WHEN is_istio THEN dash_null(places[6]) END},
        {'key': 'request', 'value': CASE WHEN NOT is_tcp AND NOT known AND dash_null(odd.method) IS NULL THEN dash_null(request) END},
        {'key': 'extra', 'value': nullif(CASE WHEN NOT is_whole THEN trim(raw[length(cut."time") + length(cut.request) + 6:]) WHEN q.more IS NULL THEN h.tail
                                              WHEN is_istio THEN array_to_string(places[7:], ' ') ELSE trim(q.more) END, '')}
    ]) AS attributes
FROM targeted
