-- title: Traefik access log in JSON
-- dataset: web_access
-- detect: "(?:RequestMethod|DownstreamStatus|OriginStatus|ClientHost|StartUTC|RouterName)"\s*:
-- priority: 60
-- sample: {"ClientAddr":"203.0.113.9:52446","ClientHost":"203.0.113.9","ClientPort":"52446","ClientUsername":"-","DownstreamContentSize":5123,"DownstreamStatus":200,"Duration":34000000,"OriginDuration":33000000,"OriginStatus":200,"RequestCount":4711,"RequestHost":"shop.example.com","RequestMethod":"GET","RequestPath":"/cart?step=2","RequestProtocol":"HTTP/2.0","RouterName":"shop@docker","StartUTC":"2026-11-22T13:04:05.123456789Z","level":"info","msg":"","time":"2026-11-22T13:04:05Z"}
-- limits: event_time is the start of the request (StartUTC), time is when it was logged; sizes and durations are those of the downstream; other JSON lines of Traefik are rejected
WITH parsed AS (
    SELECT origin, raw, web_server_entries(raw) AS entries FROM records
), picked AS (
    SELECT *,
        json_field(entries, ['StartUTC', 'StartLocal', 'time']) AS time_field,
        web_server_text(entries, ['ClientHost']) AS client_host,
        web_server_host(coalesce(web_server_text(entries, ['ClientAddr']), '')) AS client,
        web_server_text(entries, ['RequestMethod']) AS method,
        web_server_text(entries, ['RequestPath']) AS target,
        web_server_text(entries, ['RequestProtocol']) AS protocol,
        web_server_host(coalesce(web_server_text(entries, ['RequestHost', 'RequestAddr']), '')) AS host,
        json_field(entries, ['DownstreamStatus', 'OriginStatus']) AS status_field,
        json_field(entries, ['DownstreamContentSize', 'OriginContentSize']) AS size_field,
        web_server_text(entries, ['RequestContentSize']) AS request_size,
        web_server_text(entries, ['Duration']) AS duration,
        web_server_text(entries, ['OriginDuration']) AS origin_duration,
        json_field(entries, ['request_Referer', 'request_referer']) AS referrer_field,
        json_field(entries, ['request_User-Agent', 'request_user-agent']) AS agent_field
    FROM parsed
), texts AS (
    SELECT *, time_field.value AS time_text FROM picked
), judged AS (
    SELECT *, web_server_moment(time_text) AS m,
        try_cast(dash_null(status_field.value) AS SMALLINT) AS status_code,
        body_size(nullif(dash_null(size_field.value), '-1')) AS body_bytes,
        body_size(nullif(request_size, '-1')) AS request_bytes,
        CASE WHEN length(duration) <= 18 THEN round(try_cast(duration AS BIGINT) / 1e6, 6) END AS duration_ms,
        CASE WHEN length(origin_duration) <= 18 THEN round(try_cast(origin_duration AS BIGINT) / 1e6, 6) END AS upstream_duration_ms
    FROM texts
)
SELECT
    origin, raw,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"ClientHost": "203.0.113.9", …} on one line'
         WHEN method IS NULL AND target IS NULL AND status_field IS NULL
         THEN 'RequestMethod: no such field, nor RequestPath, DownstreamStatus; expected an access line of Traefik'
         WHEN time_field IS NULL THEN 'StartUTC: no such field, nor StartLocal, time; expected 2026-11-22T13:04:05.123456789Z'
         WHEN m.time IS NULL THEN time_field.key || ': ' || left(time_field.value, 60) || ' is not a time; expected 2026-11-22T13:04:05.123456789Z' END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN status_code IS NULL OR target IS NULL OR (duration IS NOT NULL AND duration_ms IS NULL)
              OR (dash_null(size_field.value) <> '-1' AND body_bytes IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    coalesce(client_host, nullif(client.host, '')) AS client_address,
    web_server_text(entries, ['ClientUsername']) AS user_name,
    method AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    nullif(regexp_replace(protocol, '^HTTP/', ''), '') AS network_protocol_version,
    nullif(status_code, 0) AS http_response_status_code,
    request_bytes AS http_request_body_size_bytes,
    body_bytes AS http_response_body_size_bytes,
    duration_ms,
    upstream_duration_ms,
    dash_null(referrer_field.value) AS http_request_referrer,
    dash_null(agent_field.value) AS user_agent_original,
    nullif(host.host, '') AS server_address,
    web_server_tls(web_server_text(entries, ['TLSVersion'])) AS tls_protocol_version,
    attributes_of(list_filter(
        list_transform(list_filter(entries, lambda entry: NOT list_contains([
            time_field.key, 'ClientHost', 'ClientUsername', 'RequestMethod', 'RequestPath', 'RequestProtocol', 'RequestHost', 'TLSVersion',
            CASE WHEN status_code IS NOT NULL THEN status_field.key END,
            CASE WHEN body_bytes IS NOT NULL OR size_field.value = '-1' THEN size_field.key END,
            CASE WHEN request_bytes IS NOT NULL OR request_size = '-1' THEN 'RequestContentSize' END,
            CASE WHEN duration_ms IS NOT NULL THEN 'Duration' END,
            CASE WHEN upstream_duration_ms IS NOT NULL THEN 'OriginDuration' END,
            referrer_field.key, agent_field.key], entry.key)),
            lambda entry: {'key': web_server_snake(entry.key), 'value': dash_null(entry.value)}),
        lambda entry: entry.value IS NOT NULL)) AS attributes
FROM judged
