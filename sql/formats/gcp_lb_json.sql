-- title: Google Cloud request logs: load balancers, Cloud Run and others with httpRequest (Cloud Logging JSON)
-- dataset: web_access
-- elements: entries
-- detect: "httpRequest"\s*:
-- priority: 60
-- sample: {"httpRequest":{"requestMethod":"GET","requestUrl":"https://shop.example.com/cart?step=2","requestSize":"220","status":200,"responseSize":"5123","userAgent":"Mozilla/5.0","remoteIp":"203.0.113.9","serverIp":"10.0.0.3","latency":"0.034512s"},"insertId":"1a2b","logName":"projects/shop/logs/requests","resource":{"type":"http_load_balancer","labels":{"backend_service_name":"shop-web"}},"severity":"INFO","timestamp":"2026-11-22T13:04:05.123456Z"}
-- limits: requestSize and responseSize are the body sizes here, though Google counts headers too; labels of the resource and fields of jsonPayload are attributes by their own names
WITH valid AS (
    SELECT origin, raw, CASE WHEN json_valid(raw) AND json_type(raw) = 'OBJECT' THEN raw END AS document FROM records
), picked AS (
    SELECT *, CASE WHEN document IS NOT NULL THEN TRY(json_extract_string(document, [
        '$.timestamp', '$.httpRequest.requestMethod', '$.httpRequest.requestUrl', '$.httpRequest.protocol', '$.httpRequest.status',
        '$.httpRequest.requestSize', '$.httpRequest.responseSize', '$.httpRequest.latency', '$.httpRequest.referer', '$.httpRequest.userAgent',
        '$.httpRequest.remoteIp', '$.httpRequest', '$.resource', '$.resource.labels', '$.jsonPayload', '$.jsonPayload.tls.protocol', '$.receiveTimestamp'])) END AS p
    FROM valid
), read AS (
    SELECT *, iso_parts(coalesce(p[1], p[17])) AS parts, dash_null(p[3]) AS url, cloud_url(p[3]) AS u, cloud_status(p[5]) AS status,
        cloud_size(p[6]) AS received, cloud_size(p[7]) AS sent,
        CASE WHEN regexp_full_match(p[8], '\d{1,7}(\.\d{1,30})?s') THEN cloud_seconds(p[8][:-2]) END AS seconds
    FROM picked
), timed AS (
    SELECT *, iso_time(parts, 'UTC') AS event_time FROM read
), listed AS (
    SELECT *, list_concat(
        [{'key': item.key, 'value': item.value} for item in [
            {'key': 'url_scheme', 'value': nullif(u.scheme, '')}, {'key': 'server_port', 'value': nullif(u.port, '')}] if item.value IS NOT NULL],
        cloud_entries_but(p[12], ['requestMethod', 'requestUrl', 'referer', 'userAgent', 'remoteIp',
            CASE WHEN starts_with(upper(p[4]), 'HTTP/') THEN 'protocol' END, CASE WHEN cloud_is_number(p[5], status) THEN 'status' END,
            CASE WHEN cloud_is_number(p[6], received) THEN 'requestSize' END, CASE WHEN cloud_is_number(p[7], sent) THEN 'responseSize' END,
            CASE WHEN cloud_is_number(p[8], seconds) THEN 'latency' END]),
        cloud_entries_but(document, ['httpRequest', 'resource', 'timestamp', 'jsonPayload']),
        [{'key': 'resource_' || item.key, 'value': item.value} for item in cloud_entries_but(p[13], ['labels'])],
        cloud_entries_but(p[14], []::VARCHAR[]),
        cloud_entries_but(p[15], []::VARCHAR[])) AS entries
    FROM timed
)
SELECT
    origin, raw,
    CASE WHEN document IS NULL THEN 'line: not a JSON object; expected {"httpRequest": {…}, "timestamp": "2026-11-22T13:04:05.123456Z", …}'
         WHEN p[12] IS NULL OR NOT starts_with(ltrim(p[12]), '{') THEN 'httpRequest: no such object; expected {"requestMethod": "GET", "status": 200, …}'
         WHEN p[1] IS NULL AND p[17] IS NULL THEN 'timestamp: no such field; expected 2026-11-22T13:04:05.123456Z'
         WHEN event_time IS NULL THEN 'timestamp: ' || left(p[1], 60) || ' is not a time; expected 2026-11-22T13:04:05.123456Z' END AS reject_reason,
    event_time,
    CASE WHEN parts."offset" <> '' THEN 'offset' ELSE 'zone' END AS time_basis,
    CASE WHEN cloud_is_number(p[5], status) AND cloud_is_number(p[6], received) AND cloud_is_number(p[7], sent) AND cloud_is_number(p[8], seconds)
         THEN 'ok' ELSE 'partial' END AS parse_status,
    dash_null(p[11]) AS client_address,
    dash_null(p[2]) AS http_request_method,
    cloud_path(url, u) AS url_path,
    url_query_of(url) AS url_query,
    CASE WHEN starts_with(upper(p[4]), 'HTTP/') THEN p[4][6:] END AS network_protocol_version,
    status AS http_response_status_code,
    received AS http_request_body_size_bytes,
    sent AS http_response_body_size_bytes,
    cloud_ms(seconds) AS duration_ms,
    dash_null(p[9]) AS http_request_referrer,
    dash_null(p[10]) AS user_agent_original,
    cloud_server(u) AS server_address,
    cloud_tls(p[16]) AS tls_protocol_version,
    cloud_map(entries) AS attributes
FROM listed
