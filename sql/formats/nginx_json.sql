-- title: nginx access log in JSON (log_format with escape=json), with the names of nginx variables or their usual short forms
-- dataset: web_access
-- detect: ^\s*\{.*"(?:remote_addr|remote_ip|clientip|body_bytes_sent|bytes_sent|request_uri|time_local|time_iso8601|http_user_agent|request_method|upstream_response_time|http_x_forwarded_for|http_referer|http_host|request_time)"\s*:
-- priority: 60
-- sample: {"time_iso8601":"2026-11-22T13:04:05+09:00","remote_addr":"203.0.113.9","remote_user":"frank","request":"GET /cart?step=2 HTTP/1.1","status":"200","body_bytes_sent":"5123","request_time":"0.034","http_referer":"https://shop.example.com/","http_user_agent":"Mozilla/5.0"}
-- limits: one flat object on a line; without escape=json nginx writes \x22, which JSON does not know: it is kept as written; the status snapshots of NGINX Plus are no access log and are rejected
WITH mended AS (
    SELECT origin, raw, CASE WHEN contains(raw, '\x') AND NOT json_valid(raw) THEN regexp_replace(raw, '\\x([0-9A-Fa-f]{2})', '\\\\x\1', 'g') ELSE raw END AS text
    FROM records
), parsed AS (
    SELECT origin, raw, web_server_entries(text) AS entries FROM mended
), picked AS (
    SELECT *,
        json_field(entries, ['time_iso8601', 'time_local', 'msec', '@timestamp', 'timestamp', 'time', 'datetime', 'date', 'ts']) AS time_field,
        json_field(entries, ['remote_addr', 'remote_ip', 'clientip', 'client_ip', 'client', 'realip_remote_addr', 'binary_remote_addr', 'ip']) AS client_field,
        json_field(entries, ['remote_user', 'user']) AS user_field,
        json_field(entries, ['request', 'request_line']) AS request_field,
        json_field(entries, ['request_method', 'method', 'verb']) AS method_field,
        json_field(entries, ['request_uri', 'uri', 'url', 'path']) AS uri_field,
        json_field(entries, ['args', 'query_string', 'query']) AS query_field,
        json_field(entries, ['server_protocol', 'protocol', 'http_version']) AS protocol_field,
        json_field(entries, ['status', 'response', 'response_code', 'status_code']) AS status_field,
        json_field(entries, ['body_bytes_sent', 'bytes', 'size', 'body_bytes', 'response_size', 'bytes_sent']) AS size_field,
        json_field(entries, ['content_length', 'http_content_length']) AS length_field,
        json_field(entries, ['request_time', 'response_time', 'duration']) AS duration_field,
        json_field(entries, ['upstream_response_time', 'upstream_time']) AS upstream_field,
        json_field(entries, ['http_referer', 'http_referrer', 'referer', 'referrer']) AS referrer_field,
        json_field(entries, ['http_user_agent', 'user_agent', 'agent', 'useragent']) AS agent_field,
        json_field(entries, ['host', 'http_host', 'vhost', 'server_name', 'domain']) AS host_field,
        json_field(entries, ['ssl_protocol', 'tls_version']) AS tls_field,
        list_has_any(list_transform(entries, lambda entry: entry.key), ['remote_addr', 'remote_ip', 'clientip', 'body_bytes_sent', 'bytes_sent', 'request_uri',
            'time_local', 'time_iso8601', 'http_user_agent', 'request_method', 'upstream_response_time',
            'http_x_forwarded_for', 'http_referer', 'http_host', 'request_time']) AS is_nginx
    FROM parsed
), texts AS (
    SELECT *, replace(replace(time_field.value, '[', ''), ']', '') AS time_text FROM picked
), read AS (
    SELECT *, web_server_moment(time_text) AS m,
        dash_null(request_field.value) AS request, dash_null(status_field.value) AS status, dash_null(size_field.value) AS size,
        string_split(request_field.value, ' ') AS words, odd_request(request_field.value) AS odd,
        request_field IS NULL OR request_field.value IN ('', '-') AS has_no_request,
        try_cast(nullif(dash_null(status_field.value), '000') AS SMALLINT) AS status_code, body_size(dash_null(size_field.value)) AS body_bytes,
        try_cast(dash_null(length_field.value) AS BIGINT) AS request_bytes,
        web_server_seconds(duration_field.value) AS duration_ms, web_server_seconds(upstream_field.value) AS upstream_duration_ms,
        web_server_host(dash_null(host_field.value)) AS host,
        web_server_clients(client_field.value) AS clients
    FROM texts
), requested AS (
    SELECT *, coalesce(request_is_plain(words), false) AS known FROM read
), judged AS (
    SELECT *, coalesce(dash_null(uri_field.value), CASE WHEN known THEN words[2] ELSE dash_null(odd.target) END) AS target,
        coalesce(dash_null(protocol_field.value), CASE WHEN known THEN words[3] ELSE dash_null(odd.version) END) AS protocol
    FROM requested
)
SELECT
    origin, raw,
    CASE WHEN entries IS NULL THEN 'line: not a JSON object; expected {"remote_addr": "203.0.113.9", …} on one line'
         WHEN NOT is_nginx OR (status_field IS NULL AND request_field IS NULL AND uri_field IS NULL) OR starts_with(request_field.value, '{')
         THEN 'request: no fields of an access log; expected such as remote_addr, request, status, body_bytes_sent'
         WHEN dash_null(time_field.value) IS NULL THEN 'time: no such field; expected time_iso8601, time_local, msec, @timestamp, timestamp or time'
         WHEN m.time IS NULL THEN 'time: ' || left(time_field.value, 60) || ' is not a time; expected 2026-11-22T13:04:05+09:00' END AS reject_reason,
    m.time AS event_time,
    m.basis AS time_basis,
    CASE WHEN status_code IS NULL OR (size IS NOT NULL AND body_bytes IS NULL)
              OR (NOT has_no_request AND NOT known) OR (request_field IS NULL AND target IS NULL) OR request_field.value = ''
              OR (dash_null(duration_field.value) IS NOT NULL AND duration_ms IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    clients[1] AS client_address,
    dash_null(user_field.value) AS user_name,
    coalesce(dash_null(method_field.value), CASE WHEN known THEN words[1] ELSE dash_null(odd.method) END) AS http_request_method,
    url_path_of(target) AS url_path,
    coalesce(url_query_of(target), dash_null(query_field.value)) AS url_query,
    nullif(regexp_replace(protocol, '^HTTP/', ''), '') AS network_protocol_version,
    status_code AS http_response_status_code,
    request_bytes AS http_request_body_size_bytes,
    body_bytes AS http_response_body_size_bytes,
    duration_ms,
    upstream_duration_ms,
    dash_null(referrer_field.value) AS http_request_referrer,
    dash_null(agent_field.value) AS user_agent_original,
    dash_null(host.host) AS server_address,
    web_server_tls(tls_field.value) AS tls_protocol_version,
    attributes_of(list_concat(
        [{'key': 'server_port', 'value': nullif(host.port, '')},
         {'key': 'client_addresses', 'value': CASE WHEN len(clients) > 1 THEN array_to_string(clients, ', ') END}],
        list_filter(list_transform(entries, lambda entry: {'key': entry.key, 'value': dash_null(entry.value)}),
            lambda entry: entry.value IS NOT NULL AND NOT list_contains([
                time_field.key, client_field.key, user_field.key, method_field.key, uri_field.key, host_field.key,
                CASE WHEN known OR dash_null(odd.method) IS NOT NULL THEN request_field.key END,
                CASE WHEN url_query_of(target) IS NULL OR url_query_of(target) = query_field.value THEN query_field.key END,
                CASE WHEN dash_null(protocol_field.value) IS NOT NULL THEN protocol_field.key END,
                CASE WHEN status_code IS NOT NULL THEN status_field.key END,
                CASE WHEN body_bytes IS NOT NULL THEN size_field.key END,
                CASE WHEN request_bytes IS NOT NULL THEN length_field.key END,
                CASE WHEN duration_ms IS NOT NULL THEN duration_field.key END,
                CASE WHEN upstream_duration_ms IS NOT NULL AND NOT contains(upstream_field.value, ' ') THEN upstream_field.key END,
                referrer_field.key, agent_field.key, tls_field.key], entry.key)))) AS attributes
FROM judged
