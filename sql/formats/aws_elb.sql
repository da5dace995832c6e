-- title: AWS Classic Load Balancer access log
-- dataset: web_access, net_flow
-- detect: ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z \S+ \S+:\d+ (?:\S+:\d+|-) (?:-1|\d+\.\d+) (?:-1|\d+\.\d+) 
-- priority: 60
-- sample: 2026-11-22T13:04:05.123456Z shop 203.0.113.9:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://shop.example.com:80/cart?step=2 HTTP/1.1" "curl/8.9.1" - -
-- limits: connections of TCP and SSL listeners go to net_flow, without a duration since the log has none of the whole connection; their destination is the backend
WITH split AS (
    SELECT origin, raw, cloud_logged_cells(raw) AS simple FROM records
), cut AS (
    SELECT *, CASE WHEN cloud_is_misfit(simple) THEN regexp_extract(raw,
        '(?s)^((?:[^ "]+ ){11})"(.*?)"( )"(.*?)"( (?:[A-Z0-9_-]+) (?:TLS[^ "]*|SSL[^ "]*|-)(?: [^"]*)?)$',
        ['head', 'request', 'middle', 'agent', 'tail']) END AS k
    FROM split
), refined AS (
    SELECT *, cloud_recut(simple, k) AS logged, k.head = '' AS is_misfit FROM cut
), bare AS (
    SELECT *, cloud_bare_cells(logged) AS c, cloud_is_open(logged[-1]) OR coalesce(is_misfit, false) AS is_open FROM refined
), certain AS (
    SELECT *, cloud_sure(c, 12) AS s FROM bare
), parsed AS (
    SELECT *, iso_parts(c[1]) AS parts, cloud_endpoint(c[3]) AS client, cloud_endpoint(c[4]) AS backend, cloud_request(c[12]) AS r,
        cloud_seconds(s[5]) AS before_s, cloud_seconds(s[6]) AS backend_s, cloud_seconds(s[7]) AS after_s,
        cloud_status(s[8]) AS status, cloud_size(s[10]) AS received, cloud_size(s[11]) AS sent,
        c[8] = '-' AND c[9] = '-' AND regexp_full_match(c[12], '[- ]*') AS is_flow
    FROM certain
), located AS (
    SELECT * REPLACE (coalesce(is_flow, false) AS is_flow), CASE WHEN parts."offset" <> '' THEN iso_time(parts, 'UTC') END AS event_time,
        dash_null(r.target) AS url, cloud_url(dash_null(r.target)) AS u,
        cloud_is_number(c[5], before_s) AND cloud_is_number(c[6], backend_s) AND cloud_is_number(c[7], after_s)
            AND cloud_is_number(c[8], status) AND cloud_is_number(c[10], received) AND cloud_is_number(c[11], sent) AS is_clean
    FROM parsed
)
SELECT
    origin, raw,
    CASE WHEN is_flow THEN 'net_flow' ELSE 'web_access' END AS dataset,
    CASE WHEN event_time IS NULL THEN 'timestamp: ' || left(c[1], 60) || ' is not a time; expected 2026-11-22T13:04:05.123456Z'
         WHEN client.port = '' OR client.port IS NULL OR len(c) < 4
         THEN 'client:port: ' || coalesce(left(c[3], 60), 'none') || ' is no address with port; expected 203.0.113.9:2817'
         WHEN len(c) > 4 AND c[4] <> '-' AND backend.port = '' THEN 'backend:port: ' || left(c[4], 60) || ' is no address with port; expected 10.0.0.1:80 or -'
         WHEN len(c) > 7 AND NOT (cloud_is_number(c[5], before_s) OR cloud_is_number(c[6], backend_s) OR cloud_is_number(c[7], after_s))
         THEN 'request_processing_time: ' || left(c[5], 60) || ' is no time in seconds; expected 0.000073' END AS reject_reason,
    event_time,
    'offset' AS time_basis,
    CASE WHEN len(c) < 12 OR is_open OR NOT is_clean OR NOT (is_flow OR cloud_request_is_whole(c[12], r)) THEN 'partial' ELSE 'ok' END AS parse_status,
    client.address AS client_address,
    dash_null(r.method) AS http_request_method,
    cloud_path(url, u) AS url_path,
    url_query_of(url) AS url_query,
    CASE WHEN starts_with(r."version", 'HTTP/') THEN r."version"[6:] END AS network_protocol_version,
    status AS http_response_status_code,
    received AS http_request_body_size_bytes,
    sent AS http_response_body_size_bytes,
    CASE WHEN NOT is_flow THEN cloud_ms(before_s + backend_s + after_s) END AS duration_ms,
    cloud_ms(backend_s) AS upstream_duration_ms,
    dash_null(c[13]) AS user_agent_original,
    cloud_server(u) AS server_address,
    cloud_tls(c[15]) AS tls_protocol_version,
    client.address AS source_address,
    try_cast(client.port AS INTEGER) AS source_port,
    nullif(backend.address, '') AS destination_address,
    try_cast(backend.port AS INTEGER) AS destination_port,
    'tcp' AS network_transport,
    received + sent AS network_bytes,
    cloud_attributes([
        {'key': 'elb', 'value': dash_null(c[2])},
        {'key': 'client_port', 'value': CASE WHEN NOT is_flow THEN client.port END},
        {'key': 'backend', 'value': CASE WHEN NOT is_flow THEN dash_null(c[4]) END},
        {'key': 'request_processing_time', 'value': CASE WHEN before_s IS NOT NULL OR NOT cloud_is_number(c[5], before_s) THEN c[5] END},
        {'key': 'backend_processing_time', 'value': CASE WHEN is_flow AND backend_s IS NOT NULL OR NOT cloud_is_number(c[6], backend_s) THEN c[6] END},
        {'key': 'response_processing_time', 'value': CASE WHEN after_s IS NOT NULL OR NOT cloud_is_number(c[7], after_s) THEN c[7] END},
        cloud_odd('elb_status_code', c[8], status),
        {'key': 'backend_status_code', 'value': dash_null(c[9])},
        {'key': 'received_bytes', 'value': CASE WHEN is_flow OR NOT cloud_is_number(c[10], received) THEN dash_null(c[10]) END},
        {'key': 'sent_bytes', 'value': CASE WHEN is_flow OR NOT cloud_is_number(c[11], sent) THEN dash_null(c[11]) END},
        {'key': 'request', 'value': CASE WHEN r.method = '' THEN dash_null(c[12]) END},
        {'key': 'url_scheme', 'value': nullif(u.scheme, '')},
        {'key': 'server_port', 'value': nullif(u.port, '')},
        {'key': 'ssl_cipher', 'value': dash_null(c[14])},
        {'key': 'ssl_protocol', 'value': CASE WHEN is_flow THEN dash_null(c[15]) END},
        {'key': 'extra', 'value': cloud_extra(logged, 15)}]) AS attributes
FROM located
