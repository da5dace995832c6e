-- title: Cloudflare Logpush HTTP requests (JSON lines)
-- dataset: web_access
-- detect: "EdgeStartTimestamp"\s*:
-- priority: 60
-- sample: {"ClientIP":"203.0.113.9","ClientRequestHost":"shop.example.com","ClientRequestMethod":"GET","ClientRequestURI":"/cart?step=2","ClientRequestProtocol":"HTTP/2","ClientRequestUserAgent":"Mozilla/5.0","EdgeStartTimestamp":1795352645100000000,"EdgeEndTimestamp":1795352645123000000,"EdgeResponseBytes":5123,"EdgeResponseStatus":200,"RayID":"87a1b2c3d4e5f001"}
-- limits: duration_ms needs timestamps finer than a second (unixnano, or RFC 3339 with a fraction); EdgeResponseBytes and ClientRequestBytes count headers too
WITH valid AS (
    SELECT origin, raw, CASE WHEN json_valid(raw) AND json_type(raw) = 'OBJECT' THEN raw END AS document FROM records
), picked AS (
    SELECT *, CASE WHEN document IS NOT NULL THEN TRY(json_extract_string(document, [
        '$.EdgeStartTimestamp', '$.EdgeEndTimestamp', '$.ClientIP', '$.ClientRequestMethod', '$.ClientRequestURI', '$.ClientRequestPath', '$.ClientRequestProtocol',
        '$.EdgeResponseStatus', '$.EdgeResponseBytes', '$.EdgeResponseBodyBytes', '$.ClientRequestBytes', '$.OriginResponseDurationMs', '$.OriginResponseTime',
        '$.OriginResponseStatus', '$.ClientRequestReferer', '$.ClientRequestUserAgent', '$.ClientRequestHost', '$.ClientSSLProtocol'])) END AS p
    FROM valid
), read AS (
    SELECT *, iso_parts(p[1]) AS parts, iso_parts(p[2]) AS end_parts, coalesce(nullif(p[5], ''), nullif(p[6], '')) AS url,
        cloud_status(p[8]) AS status, cloud_size(nullif(p[9], '')) AS edge_bytes, cloud_size(nullif(p[10], '')) AS body_bytes,
        cloud_size(nullif(p[11], '')) AS received,
        CASE WHEN p[14] IS NULL OR p[14] IN ('0', '') THEN NULL
             WHEN try_cast(p[12] AS DOUBLE) IS NOT NULL THEN try_cast(p[12] AS DOUBLE)
             ELSE try_cast(p[13] AS DOUBLE) / 1000000 END AS origin_ms
    FROM picked
), timed AS (
    SELECT *, coalesce(iso_time(parts, 'UTC'), cloud_epoch(p[1])) AS event_time, coalesce(iso_time(end_parts, 'UTC'), cloud_epoch(p[2])) AS end_time,
        coalesce(parts.fraction <> '' OR end_parts.fraction <> '' OR length(p[1]) >= 13 AND parts.date = '', false) AS is_fine,
        cloud_url(url) AS u
    FROM read
), listed AS (
    SELECT *, CASE WHEN contains(p[17], ':') THEN nullif(regexp_extract(p[17], '^(?:[^:]+|\[[^\]]*\]):(\d{1,5})$', 1), '') END AS port, cloud_entries_but(document, ['EdgeStartTimestamp', 'ClientIP', 'ClientRequestMethod', 'ClientRequestURI', 'ClientRequestReferer',
        'ClientRequestUserAgent', 'ClientRequestHost', CASE WHEN starts_with(upper(p[7]), 'HTTP/') THEN 'ClientRequestProtocol' END,
        CASE WHEN p[6] = url_path_of(url) THEN 'ClientRequestPath' END, CASE WHEN cloud_is_number(p[8], status) THEN 'EdgeResponseStatus' END,
        CASE WHEN cloud_is_number(p[9], edge_bytes) AND body_bytes IS NULL THEN 'EdgeResponseBytes' END, CASE WHEN cloud_is_number(p[10], body_bytes) THEN 'EdgeResponseBodyBytes' END,
        CASE WHEN cloud_is_number(p[11], received) THEN 'ClientRequestBytes' END,
        CASE WHEN cloud_tls(p[18]) <> p[18] THEN 'ClientSSLProtocol' END]) AS entries
    FROM timed
)
SELECT
    origin, raw,
    CASE WHEN document IS NULL THEN 'line: not a JSON object; expected {"EdgeStartTimestamp": "2026-11-22T13:04:05Z", …} on one line'
         WHEN p[1] IS NULL THEN 'EdgeStartTimestamp: no such field; expected 2026-11-22T13:04:05Z or an epoch number'
         WHEN event_time IS NULL THEN 'EdgeStartTimestamp: ' || left(p[1], 60) || ' is not a time; expected 2026-11-22T13:04:05Z or an epoch number' END AS reject_reason,
    event_time,
    CASE WHEN iso_time(parts, 'UTC') IS NULL THEN 'epoch' WHEN parts."offset" <> '' THEN 'offset' ELSE 'zone' END AS time_basis,
    CASE WHEN cloud_is_number(p[2], end_time) AND cloud_is_number(p[8], status) AND cloud_is_number(p[9], edge_bytes) AND cloud_is_number(p[10], body_bytes)
              AND cloud_is_number(p[11], received) THEN 'ok' ELSE 'partial' END AS parse_status,
    dash_null(p[3]) AS client_address,
    dash_null(p[4]) AS http_request_method,
    cloud_path(url, u) AS url_path,
    url_query_of(url) AS url_query,
    CASE WHEN starts_with(upper(p[7]), 'HTTP/') THEN p[7][6:] END AS network_protocol_version,
    status AS http_response_status_code,
    received AS http_request_body_size_bytes,
    coalesce(body_bytes, edge_bytes) AS http_response_body_size_bytes,
    CASE WHEN is_fine THEN (epoch_us(end_time) - epoch_us(event_time)) / 1000 END AS duration_ms,
    origin_ms AS upstream_duration_ms,
    dash_null(p[15]) AS http_request_referrer,
    dash_null(p[16]) AS user_agent_original,
    coalesce(proxy_host(nullif(p[17], '')), cloud_server(u)) AS server_address,
    cloud_tls(p[18]) AS tls_protocol_version,
    cloud_map(CASE WHEN port IS NOT NULL THEN list_append(entries, {'key': 'server_port', 'value': port}) ELSE entries END) AS attributes
FROM listed
