-- title: AWS Network Load Balancer access log of TLS listeners
-- dataset: net_flow
-- detect: ^[a-z]{2,10} \d\.\d \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* \S+ \S+ \S+:\d+ \S+:\d+ 
-- priority: 60
-- sample: tls 2.0 2026-11-22T13:04:15 net/shop/c6e77e28c25b2234 g3d4b5e8bb8464cd 203.0.113.9:51341 198.51.100.185:443 10000 2 98 246 - arn:aws:acm:us-east-2:123456789012:certificate/2a108f19-aded-46b0-8493-c63eb1ef4a99 - ECDHE-RSA-AES128-SHA tlsv12 - shop.example.com h2 h2 "h2","http/1.1" 2026-11-22T13:04:05
-- limits: event_time is the begin of the connection and end_time its end; AWS writes both in UTC without saying so, in whole seconds; network_bytes is received plus sent
WITH split AS (
    SELECT origin, raw, string_split(raw, ' ') AS c FROM records
), certain AS (
    SELECT *, cloud_sure(c, 22) AS s FROM split
), parsed AS (
    SELECT *, iso_time(iso_parts(s[3]), 'UTC') AS ended, iso_time(iso_parts(c[22]), 'UTC') AS begun, cloud_endpoint(s[6]) AS client,
        cloud_endpoint(s[7]) AS target, cloud_count(s[8]) AS connected,
        cloud_count(s[10]) AS received, cloud_count(s[11]) AS sent
    FROM certain
)
SELECT
    origin, raw,
    CASE WHEN NOT regexp_full_match(c[1], '[a-z]{2,10}') OR NOT coalesce(regexp_full_match(c[2], '\d\.\d'), false)
         THEN 'type: ' || left(c[1], 60) || ' ' || coalesce(left(c[2], 20), '') || '; expected tls 2.0'
         WHEN ended IS NULL THEN 'time: ' || coalesce(left(c[3], 60), '') || ' is not a time; expected 2026-11-22T13:04:05'
         WHEN len(c) > 6 AND c[6] <> '-' AND client.port = '' THEN 'client:port: ' || left(c[6], 60) || ' is no address with port; expected 203.0.113.9:51341' END AS reject_reason,
    coalesce(begun, ended) AS event_time,
    'zone' AS time_basis,
    CASE WHEN len(c) < 22 OR (begun IS NULL AND c[22] <> '-') OR NOT cloud_is_number(c[8], connected) OR (target.port = '' AND c[7] <> '-')
              OR NOT cloud_is_number(c[10], received) OR NOT cloud_is_number(c[11], sent) THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(client.address, '') AS source_address,
    try_cast(client.port AS INTEGER) AS source_port,
    CASE WHEN target.port = '' THEN dash_null(s[7]) ELSE target.address END AS destination_address,
    try_cast(target.port AS INTEGER) AS destination_port,
    'tcp' AS network_transport,
    dash_null(c[5]) AS network_interface_name,
    received + sent AS network_bytes,
    ended AS end_time,
    connected::DOUBLE AS duration_ms,
    cloud_attributes([
        {'key': 'type', 'value': c[1]},
        {'key': 'version', 'value': c[2]},
        {'key': 'elb', 'value': dash_null(c[4])},
        cloud_odd('connection_time', c[8], connected),
        {'key': 'tls_handshake_time', 'value': nullif(dash_null(c[9]), '-1')},
        {'key': 'received_bytes', 'value': dash_null(c[10])},
        {'key': 'sent_bytes', 'value': dash_null(c[11])},
        {'key': 'incoming_tls_alert', 'value': dash_null(c[12])},
        {'key': 'chosen_cert_arn', 'value': dash_null(c[13])},
        {'key': 'chosen_cert_serial', 'value': dash_null(c[14])},
        {'key': 'tls_cipher', 'value': dash_null(c[15])},
        {'key': 'tls_protocol_version', 'value': dash_null(c[16])},
        {'key': 'tls_named_group', 'value': dash_null(c[17])},
        {'key': 'domain_name', 'value': dash_null(c[18])},
        {'key': 'alpn_fe_protocol', 'value': dash_null(c[19])},
        {'key': 'alpn_be_protocol', 'value': dash_null(c[20])},
        {'key': 'alpn_client_preference_list', 'value': nullif(dash_null(c[21]), '"-"')},
        {'key': 'tls_connection_creation_time', 'value': CASE WHEN begun IS NULL THEN dash_null(c[22]) END},
        {'key': 'extra', 'value': cloud_extra(c, 22)}]) AS attributes
FROM parsed
