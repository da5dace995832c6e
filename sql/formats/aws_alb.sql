-- title: AWS Application Load Balancer access log
-- dataset: web_access
-- detect: ^(?:https?|h[23]|grpcs?|wss?) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z \S+ \S+:\d+ 
-- priority: 60
-- sample: https 2026-11-22T13:04:05.123456Z app/shop/50dc6c495c0c9188 203.0.113.9:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET https://shop.example.com:443/cart?step=2 HTTP/1.1" "curl/8.9.1" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "shop.example.com" "-" 0 2026-11-22T13:04:05.121000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_dc57cebed65b444ebc8177bb698fe166
-- limits: received_bytes and sent_bytes are the body sizes here, though AWS counts headers too; duration_ms is the sum of the three times where all are known; later columns are kept together as attribute extra
WITH split AS (
    SELECT origin, raw, cloud_logged_cells(raw) AS simple FROM records
), cut AS (
    SELECT *, CASE WHEN cloud_is_misfit(simple) THEN regexp_extract(raw,
        '(?s)^((?:[^ "]+ ){12})"(.*?)"( )"(.*?)"( (?:[A-Z0-9_-]+) (?:TLS\S*|SSL\S*|-) (?:arn:[^ "]+|-) "[^"]*"(?: .*)?)$',
        ['head', 'request', 'middle', 'agent', 'tail']) END AS k
    FROM split
), refined AS (
    SELECT *, cloud_recut(simple, k) AS logged, k.head = '' AS is_misfit FROM cut
), bare AS (
    SELECT *, cloud_bare_cells(logged) AS c, cloud_is_open(logged[-1]) OR coalesce(is_misfit, false) AS is_open FROM refined
), certain AS (
    SELECT *, cloud_sure(c, 18) AS s FROM bare
), parsed AS (
    SELECT *, iso_parts(c[2]) AS parts, cloud_endpoint(s[4]) AS client, cloud_request(c[13]) AS r,
        cloud_seconds(s[6]) AS before_s, cloud_seconds(s[7]) AS target_s, cloud_seconds(s[8]) AS after_s,
        cloud_status(s[9]) AS status, cloud_size(s[11]) AS received, cloud_size(s[12]) AS sent
    FROM certain
), located AS (
    SELECT *, CASE WHEN parts."offset" <> '' THEN iso_time(parts, 'UTC') END AS event_time, dash_null(r.target) AS url, cloud_url(dash_null(r.target)) AS u,
        cloud_is_number(c[6], before_s) AND cloud_is_number(c[7], target_s) AND cloud_is_number(c[8], after_s)
            AND cloud_is_number(c[9], status) AND cloud_is_number(c[11], received) AND cloud_is_number(c[12], sent) AS is_clean
    FROM parsed
)
SELECT
    origin, raw,
    CASE WHEN NOT regexp_full_match(c[1], 'https?|h[23]|grpcs?|wss?') AND NOT (regexp_full_match(c[1], '[a-z][a-z0-9]{1,9}') AND coalesce(starts_with(c[3], 'app/'), false))
         THEN 'type: ' || left(c[1], 60) || ' is none; expected http, https, h2, grpcs, ws or wss'
         WHEN event_time IS NULL THEN 'time: ' || coalesce(left(c[2], 60), '') || ' is not a time; expected 2026-11-22T13:04:05.123456Z'
         WHEN c[4] <> '-' AND len(c) > 4 AND client.port = '' THEN 'client:port: ' || left(c[4], 60) || ' is no address with port; expected 203.0.113.9:2817'
         WHEN len(c) > 8 AND NOT (cloud_is_number(c[6], before_s) OR cloud_is_number(c[7], target_s) OR cloud_is_number(c[8], after_s))
         THEN 'request_processing_time: ' || left(c[6], 60) || ' is no time in seconds; expected 0.001' END AS reject_reason,
    event_time,
    'offset' AS time_basis,
    CASE WHEN len(c) < 18 OR is_open OR NOT is_clean OR NOT cloud_request_is_whole(c[13], r) THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(client.address, '') AS client_address,
    dash_null(r.method) AS http_request_method,
    cloud_path(url, u) AS url_path,
    url_query_of(url) AS url_query,
    CASE WHEN starts_with(r."version", 'HTTP/') THEN r."version"[6:] END AS network_protocol_version,
    status AS http_response_status_code,
    received AS http_request_body_size_bytes,
    sent AS http_response_body_size_bytes,
    cloud_ms(before_s + target_s + after_s) AS duration_ms,
    cloud_ms(target_s) AS upstream_duration_ms,
    dash_null(c[14]) AS user_agent_original,
    cloud_server(u) AS server_address,
    cloud_tls(c[16]) AS tls_protocol_version,
    cloud_attributes(list_concat([
        {'key': 'type', 'value': c[1]},
        {'key': 'elb', 'value': dash_null(c[3])},
        {'key': 'client', 'value': CASE WHEN len(c) = 4 THEN dash_null(c[4]) END},
        {'key': 'client_port', 'value': nullif(client.port, '')},
        {'key': 'target', 'value': dash_null(c[5])},
        {'key': 'request_processing_time', 'value': CASE WHEN before_s IS NOT NULL OR NOT cloud_is_number(c[6], before_s) THEN c[6] END},
        cloud_odd('target_processing_time', c[7], target_s),
        {'key': 'response_processing_time', 'value': CASE WHEN after_s IS NOT NULL OR NOT cloud_is_number(c[8], after_s) THEN c[8] END},
        cloud_odd('elb_status_code', c[9], status),
        {'key': 'target_status_code', 'value': dash_null(c[10])},
        cloud_odd('received_bytes', c[11], received),
        cloud_odd('sent_bytes', c[12], sent),
        {'key': 'request', 'value': CASE WHEN r.method = '' THEN dash_null(c[13]) END},
        {'key': 'url_scheme', 'value': nullif(u.scheme, '')},
        {'key': 'server_port', 'value': nullif(u.port, '')},
        {'key': 'extra', 'value': cloud_extra(logged, 33)}],
        list_transform(list_zip(
            ['ssl_cipher', NULL, 'target_group_arn', 'trace_id', 'domain_name', 'chosen_cert_arn', 'matched_rule_priority',
             'request_creation_time', 'actions_executed', 'redirect_url', 'error_reason', 'target_port_list', 'target_status_code_list',
             'classification', 'classification_reason', 'conn_trace_id', 'transformed_host', 'transformed_uri', 'request_transform_status'],
            c[15:33]), lambda pair: {'key': pair[1], 'value': dash_null(pair[2])}))) AS attributes
FROM located
