-- title: Caddy v2 JSON log: access lines, and what else the server logs
-- dataset: web_access, app_log
-- detect: "logger":"(?:http|tls|admin|caddy|pki)\b|"msg":"(?:handled request|using config from file|autosaved config|serving initial configuration|GOMEMLIMIT is updated)
-- priority: 60
-- sample: {"level":"info","ts":1795320245.123456,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"203.0.113.9","remote_port":"52446","client_ip":"203.0.113.9","proto":"HTTP/2.0","method":"GET","host":"shop.example.com","uri":"/cart?step=2","headers":{"User-Agent":["Mozilla/5.0"]}},"bytes_read":0,"user_id":"","duration":0.034,"size":5123,"status":200,"resp_headers":{"Server":["Caddy"]}}
-- limits: access lines are those with a request and a status that are no errors; a name before the JSON (name | {…}, docker compose) becomes the attribute container
WITH cut AS (
    SELECT origin, raw, regexp_extract(raw, '(?s)^(?:\s*([\w.-]+)\s+\| )?\s*(\{.*)$', ['container', 'json']) AS c FROM records
), named AS (
    SELECT origin, raw, c.container AS container, c.json AS text FROM cut
), parsed AS (
    SELECT *, web_server_entries(text) AS entries FROM named
), picked AS (
    SELECT *,
        web_server_text(entries, ['level']) AS level,
        web_server_text(entries, ['ts', 'time', 'timestamp']) AS ts,
        web_server_text(entries, ['logger']) AS logger,
        (json_field(entries, ['msg', 'message'])).value AS msg,
        (json_field(entries, ['request'])).value AS request_text,
        web_server_text(entries, ['status']) AS status,
        web_server_text(entries, ['size']) AS size,
        web_server_text(entries, ['bytes_read']) AS bytes_read,
        web_server_text(entries, ['duration', 'latency']) AS duration
    FROM parsed
), opened AS (
    SELECT *, web_server_moment(ts) AS m, web_server_entries(request_text) AS request FROM picked
), inner_texts AS (
    SELECT *, (json_field(request, ['headers'])).value AS headers_text, (json_field(request, ['tls'])).value AS tls_text FROM opened
), judged AS (
    SELECT *,
        request IS NOT NULL AND status IS NOT NULL AND NOT coalesce(starts_with(logger, 'http.log.error'), false)
            AND (msg = 'handled request' OR coalesce(starts_with(logger, 'http.log.access'), false)) AS is_access,
        web_server_entries(headers_text) AS headers,
        web_server_entries(tls_text) AS tls,
        web_server_text(request, ['uri']) AS uri,
        web_server_host(coalesce(web_server_text(request, ['remote_addr']), '')) AS remote,
        web_server_text(request, ['remote_ip']) AS remote_ip,
        web_server_text(request, ['client_ip']) AS client_ip,
        web_server_host(coalesce(web_server_text(request, ['host']), '')) AS host,
        nullif(try_cast(status AS SMALLINT), 0) AS status_code, body_size(size) AS body_bytes, try_cast(bytes_read AS BIGINT) AS request_bytes,
        regexp_extract(duration, '^(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(s|ms|µs|us|ns)?$', ['number', 'unit']) AS d
    FROM inner_texts
), timed AS (
    SELECT *,
        CASE WHEN d.number <> '' THEN round(try_cast(d.number AS DOUBLE)
            * CASE d.unit WHEN 'ms' THEN 1 WHEN 'µs' THEN 1e-3 WHEN 'us' THEN 1e-3 WHEN 'ns' THEN 1e-6 ELSE 1e3 END, 6) END AS duration_ms,
        coalesce(client_ip, remote_ip, nullif(remote.host, '')) AS client,
        list_filter(headers, lambda header: lower(header.key) NOT IN ('user-agent', 'referer')) AS other_headers,
        list_filter(headers, lambda header: lower(header.key) = 'user-agent')[1].value AS agent_text,
        list_filter(headers, lambda header: lower(header.key) = 'referer')[1].value AS referrer_text
    FROM judged
), headed AS (
    SELECT *, CASE WHEN NOT starts_with(agent_text, '[') THEN agent_text WHEN json_valid(agent_text) THEN TRY(json_extract_string(agent_text, '$[0]')) END AS agent,
        CASE WHEN NOT starts_with(referrer_text, '[') THEN referrer_text WHEN json_valid(referrer_text) THEN TRY(json_extract_string(referrer_text, '$[0]')) END AS referrer
    FROM timed
)
SELECT
    origin, raw,
    CASE WHEN is_access THEN 'web_access' ELSE 'app_log' END AS dataset,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"level":"info","ts":1795320245.123456,"msg":…} on one line'
         WHEN level IS NULL OR msg IS NULL THEN CASE WHEN level IS NULL THEN 'level' ELSE 'msg' END || ': no such field; expected level, ts and msg'
         WHEN ts IS NULL THEN 'ts: no such field; expected level, ts and msg'
         WHEN m.time IS NULL THEN 'ts: ' || left(ts, 60) || ' is not a time; expected 1795320245.123456' END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN is_access AND (uri IS NULL OR status_code IS NULL OR (size IS NOT NULL AND body_bytes IS NULL) OR (duration IS NOT NULL AND duration_ms IS NULL)) THEN 'partial' ELSE 'ok' END AS parse_status,
    CASE WHEN NOT is_access THEN level END AS severity_text,
    CASE WHEN NOT is_access THEN logger END AS logger_name,
    CASE WHEN NOT is_access THEN msg END AS body,
    CASE WHEN is_access THEN client END AS client_address,
    CASE WHEN is_access THEN web_server_text(entries, ['user_id']) END AS user_name,
    CASE WHEN is_access THEN web_server_text(request, ['method']) END AS http_request_method,
    CASE WHEN is_access THEN url_path_of(uri) END AS url_path,
    CASE WHEN is_access THEN url_query_of(uri) END AS url_query,
    CASE WHEN is_access THEN regexp_replace(web_server_text(request, ['proto']), '^HTTP/', '') END AS network_protocol_version,
    CASE WHEN is_access THEN status_code END AS http_response_status_code,
    CASE WHEN is_access THEN request_bytes END AS http_request_body_size_bytes,
    CASE WHEN is_access THEN body_bytes END AS http_response_body_size_bytes,
    CASE WHEN is_access THEN duration_ms END AS duration_ms,
    CASE WHEN is_access THEN dash_null(referrer) END AS http_request_referrer,
    CASE WHEN is_access THEN dash_null(agent) END AS user_agent_original,
    CASE WHEN is_access THEN nullif(host.host, '') END AS server_address,
    CASE WHEN is_access THEN CASE web_server_text(tls, ['version'])
        WHEN '769' THEN '1.0' WHEN '770' THEN '1.1' WHEN '771' THEN '1.2' WHEN '772' THEN '1.3' ELSE web_server_tls(web_server_text(tls, ['version'])) END END AS tls_protocol_version,
    attributes_of(list_concat(
        [{'key': 'container', 'value': nullif(container, '')}],
        CASE WHEN is_access THEN list_concat(list_concat([
            {'key': 'server_port', 'value': nullif(host.port, '')},
            {'key': 'remote_ip', 'value': CASE WHEN remote_ip <> client THEN remote_ip END},
            {'key': 'remote_port', 'value': coalesce(web_server_text(request, ['remote_port']), nullif(remote.port, ''))},
            {'key': 'request_headers', 'value': CASE WHEN len(other_headers) > 0
                THEN to_json(map_from_entries(list_transform(other_headers, lambda header: {'key': header.key, 'value': TRY(header.value::JSON)})))::VARCHAR END},
            {'key': 'tls_resumed', 'value': web_server_text(tls, ['resumed'])},
            {'key': 'tls_cipher_suite', 'value': web_server_text(tls, ['cipher_suite'])},
            {'key': 'tls_proto', 'value': web_server_text(tls, ['proto'])},
            {'key': 'tls_server_name', 'value': web_server_text(tls, ['server_name'])}],
            list_transform(list_filter(tls, lambda entry: entry.key NOT IN ('version', 'resumed', 'cipher_suite', 'proto', 'server_name')),
                lambda entry: {'key': 'tls_' || entry.key, 'value': dash_null(entry.value)})),
            list_transform(list_filter(request, lambda entry: entry.key NOT IN ('remote_ip', 'remote_port', 'remote_addr', 'client_ip', 'proto', 'method', 'host', 'uri', 'headers', 'tls')),
                lambda entry: {'key': 'request_' || entry.key, 'value': dash_null(entry.value)}))
        ELSE [] END,
        list_filter(list_transform(entries, lambda entry: {'key': entry.key, 'value': dash_null(entry.value)}), lambda entry:
            CASE WHEN is_access THEN NOT list_contains(['ts', 'request', 'user_id', CASE WHEN msg = 'handled request' THEN 'msg' END,
                    CASE WHEN status_code IS NOT NULL THEN 'status' END, CASE WHEN body_bytes IS NOT NULL THEN 'size' END,
                    CASE WHEN request_bytes IS NOT NULL THEN 'bytes_read' END, CASE WHEN duration_ms IS NOT NULL THEN 'duration' END], entry.key)
                 ELSE entry.key NOT IN ('ts', 'level', 'logger', 'msg') END)
    )) AS attributes
FROM headed
