-- title: AWS S3 server access log
-- dataset: web_access
-- detect: ^\S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \S+ \S+ \S+ [A-Z][A-Z0-9]*\.[A-Z0-9_.]+ 
-- priority: 65
-- sample: 79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop-assets [22/Nov/2026:13:04:05 +0000] 203.0.113.9 arn:aws:iam::123456789012:user/alice 3E57427F3EXAMPLE REST.GET.OBJECT img/logo.png "GET /img/logo.png?versionId=7 HTTP/1.1" 200 - 113 113 7 6 "-" "aws-cli/2.15" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader shop-assets.s3.us-west-1.amazonaws.com TLSv1.2 - - us-west-1
-- limits: the key stays encoded as logged; later columns are kept together as attribute extra
WITH headed AS (
    SELECT origin, raw, regexp_extract(raw, '(?s)^(\S+) (\S+) \[([^\]]*)\](?: (.*))?$', ['owner', 'bucket', 'time', 'rest']) AS h FROM records
), split AS (
    SELECT *, cloud_logged_cells(h.rest) AS simple FROM headed
), cut AS (
    SELECT *, CASE WHEN cloud_is_misfit(simple) THEN regexp_extract(h.rest,
        '(?s)^((?:[^ "]+ ){5})"(.*?)"((?: [^ "]+){6} (?:".*?"|-) )"(.*)"((?: [^ "]+)*)$', ['head', 'request', 'middle', 'agent', 'tail']) END AS k
    FROM split
), refined AS (
    SELECT *, cloud_recut(simple, k) AS logged, k.head = '' AS is_misfit FROM cut
), bare AS (
    SELECT *, cloud_bare_cells(logged) AS c, cloud_is_open(logged[-1]) OR coalesce(is_misfit, false) AS is_open FROM refined
), certain AS (
    SELECT *, cloud_sure(c, 14) AS s FROM bare
), parsed AS (
    SELECT *, clf_time(h.time) AS event_time, cloud_request(c[6]) AS r, cloud_status(s[7]) AS status, cloud_size(s[9]) AS sent,
        cloud_count(s[11]) AS total_ms
    FROM certain
), located AS (
    SELECT *, dash_null(r.target) AS url, cloud_url(dash_null(r.target)) AS u FROM parsed
)
SELECT
    origin, raw,
    CASE WHEN h.time = '' THEN 'time: none found; expected [22/Nov/2026:13:04:05 +0000] after owner and bucket'
         WHEN event_time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 22/Nov/2026:13:04:05 +0000'
         WHEN len(c) > 4 AND NOT regexp_full_match(c[4], '[A-Z][A-Z0-9]*\.[A-Za-z0-9_.:-]+|-')
         THEN 'operation: ' || left(c[4], 60) || ' is none; expected one such as REST.GET.OBJECT' END AS reject_reason,
    event_time,
    'offset' AS time_basis,
    CASE WHEN len(c) < 14 OR is_open OR NOT cloud_request_is_whole(c[6], r) OR NOT cloud_is_number(c[7], status)
              OR NOT cloud_is_number(c[9], sent) OR NOT cloud_is_number(c[11], total_ms) THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(c[1]) AS client_address,
    dash_null(c[2]) AS user_name,
    dash_null(r.method) AS http_request_method,
    cloud_path(url, u) AS url_path,
    url_query_of(url) AS url_query,
    CASE WHEN starts_with(r."version", 'HTTP/') THEN r."version"[6:] END AS network_protocol_version,
    status AS http_response_status_code,
    sent AS http_response_body_size_bytes,
    total_ms::DOUBLE AS duration_ms,
    dash_null(c[13]) AS http_request_referrer,
    dash_null(c[14]) AS user_agent_original,
    coalesce(dash_null(c[20]), cloud_server(u)) AS server_address,
    cloud_tls(c[21]) AS tls_protocol_version,
    cloud_attributes([
        {'key': 'bucket_owner', 'value': dash_null(h.owner)},
        {'key': 'bucket', 'value': dash_null(h.bucket)},
        {'key': 'request_id', 'value': dash_null(c[3])},
        {'key': 'operation', 'value': dash_null(c[4])},
        {'key': 'key', 'value': dash_null(c[5])},
        {'key': 'request_uri', 'value': CASE WHEN r.method = '' THEN dash_null(c[6]) END},
        cloud_odd('http_status', c[7], status),
        {'key': 'error_code', 'value': dash_null(c[8])},
        cloud_odd('bytes_sent', c[9], sent),
        {'key': 'object_size', 'value': dash_null(c[10])},
        cloud_odd('total_time', c[11], total_ms),
        {'key': 'turn_around_time', 'value': dash_null(c[12])},
        {'key': 'version_id', 'value': dash_null(c[15])},
        {'key': 'host_id', 'value': dash_null(c[16])},
        {'key': 'signature_version', 'value': dash_null(c[17])},
        {'key': 'cipher_suite', 'value': dash_null(c[18])},
        {'key': 'authentication_type', 'value': dash_null(c[19])},
        {'key': 'access_point_arn', 'value': dash_null(c[22])},
        {'key': 'acl_required', 'value': dash_null(c[23])},
        {'key': 'source_region', 'value': dash_null(c[24])},
        {'key': 'extra', 'value': cloud_extra(logged, 24)}]) AS attributes
FROM located
