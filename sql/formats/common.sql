-- title: Apache and nginx common access log
-- dataset: web_access
-- detect: \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d|\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*\] "
-- priority: 50
-- sample: 203.0.113.9 - - [22/Nov/2026:13:04:05 +0900] "GET /cart HTTP/1.0" 200 5123
-- limits: a line with more than the seven fields is rejected: it is another format, most often combined; of a list of clients (X-Forwarded-For first) the first is client_address
WITH headed AS (
    SELECT origin, raw, clf_head(raw) AS h FROM records
), answered AS (
    SELECT *, clf_request(h.rest) AS r, clf_time(h.time) AS clf,
        CASE WHEN regexp_matches(h.time, '^\d{4}-') THEN iso_parts(h.time) END AS iso,
        CASE WHEN contains(h.client, ',') OR starts_with(h.client, '"') THEN web_server_list_head(concat_ws(' ', h.client, h.identity, h.user)) END AS l
    FROM headed
), clients AS (
    SELECT *, CASE WHEN l.clients <> '' THEN web_server_clients(l.clients) END AS clients,
        CASE WHEN iso IS NULL THEN clf ELSE iso_time(iso, getvariable('zone')) END AS event_time
    FROM answered
), fields AS (
    SELECT * EXCLUDE (clf),
        CASE WHEN clients IS NULL THEN h.client ELSE clients[1] END AS client,
        CASE WHEN clients IS NULL THEN h.identity ELSE l.identity END AS identity,
        CASE WHEN clients IS NULL THEN h.user ELSE l.user END AS remote_user,
        body_size(r.size) AS body_bytes, CASE WHEN r.status = '' THEN (clf_cut(h.rest)).request ELSE r.request END AS request,
        CASE WHEN r.status = '' THEN (clf_cut(h.rest)).status ELSE r.status END AS status FROM clients
), requested AS (
    SELECT *, string_split(request, ' ') AS words, odd_request(request) AS odd, try_cast(status AS SMALLINT) AS status_code FROM fields
), judged AS (
    SELECT *, request_is_plain(words) AS known,
        CASE WHEN request_is_plain(words) THEN words[2] ELSE dash_null(odd.target) END AS target,
        r.status = '' OR status_code IS NULL OR (body_bytes IS NULL AND r.size <> '-') AS is_odd
    FROM requested
)
SELECT
    origin, raw,
    CASE WHEN event_time IS NULL AND h.time <> ''
         THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 22/Nov/2026:13:04:05 +0900'
         WHEN event_time IS NULL
         THEN 'time: none found; expected [22/Nov/2026:13:04:05 +0900] after client, identity and user'
         WHEN web_server_host_first(client, identity, remote_user)
         THEN 'client: a virtual host stands before it; expected the address of the client first (is this combined_vhost?)'
         WHEN trim(r.tail) <> '' AND r.status <> ''
         THEN 'size: more text follows it; expected the end of the line (is this the combined format?)' END AS reject_reason,
    event_time,
    CASE WHEN iso IS NULL THEN 'offset' ELSE iso_basis(iso, getvariable('zone')) END AS time_basis,
    CASE WHEN is_odd OR NOT (known OR request = '-') THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(client) AS client_address,
    dash_null(remote_user) AS user_name,
    CASE WHEN known THEN words[1] ELSE dash_null(odd.method) END AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    CASE WHEN known THEN words[3][6:] ELSE dash_null(odd.version) END AS network_protocol_version,
    status_code AS http_response_status_code,
    body_bytes AS http_response_body_size_bytes,
    CASE WHEN identity = '-' AND (known OR request = '-') AND NOT is_odd AND clients IS NULL THEN no_attributes()
         ELSE attributes_of([
             {'key': 'identity', 'value': dash_null(identity)},
             {'key': 'request', 'value': CASE WHEN NOT known AND dash_null(odd.method) IS NULL THEN dash_null(request) END},
             {'key': 'status', 'value': CASE WHEN status_code IS NULL THEN dash_null(status) END},
             {'key': 'size', 'value': CASE WHEN body_bytes IS NULL THEN dash_null(r.size) END},
             {'key': 'client_addresses', 'value': CASE WHEN len(clients) > 1 THEN array_to_string(clients, ', ') END}
         ]) END AS attributes
FROM judged
