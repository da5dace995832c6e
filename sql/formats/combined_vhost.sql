-- title: Access log with the virtual host first (Apache vhost_combined, nginx $host), also mixed with lines without it
-- dataset: web_access
-- detect: \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d|\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*\] "
-- priority: 45
-- sample: shop.example.com:443 203.0.113.9 - frank [22/Nov/2026:13:04:05 +0900] "GET /cart?step=2 HTTP/1.1" 200 5123 "https://shop.example.com/" "Mozilla/5.0"
-- limits: referrer and user agent may be missing (vhost_common); a trailing number with a decimal point is seconds, one without is microseconds; of a list of clients (X-Forwarded-For) the first is client_address; Apache's ssl_request_log ([time] client protocol cipher "request" size) is read as well
WITH headed AS (
    SELECT origin, raw, regexp_extract(raw, '^(.*?) ?\[(\d[^\]]*:\d\d[^\]]*)\](.*)$', ['head', 'time', 'rest']) AS h,
        regexp_extract(raw, '\[([^\]]*)\]', 1) AS bracket
    FROM records
), timed AS (
    SELECT *, clf_time(h.time) AS clf, CASE WHEN regexp_matches(h.time, '^\d{4}-') THEN iso_parts(h.time) END AS iso,
        string_split(h.head, ' ') AS words,
        contains(h.head, ',') OR contains(h.head, '"') AS is_list,
        CASE WHEN h.head = '' AND h.time <> '' THEN regexp_extract(h.rest, '^ (\S+) (\S+) (\S+) "((?:[^"\\]|\\.)*)"(?: (\S+)(.*))?$',
            ['client', 'protocol', 'cipher', 'request', 'size', 'extra']) END AS s
    FROM headed
), listed AS (
    SELECT *, s.client <> '' AS is_ssl, CASE WHEN is_list THEN web_server_list_head(h.head) END AS l,
        CASE WHEN is_list THEN len(words) > 1 AND NOT ends_with(words[1], ',') AND NOT starts_with(words[1], '"')
             ELSE len(words) >= 4 AND (words[2] <> '-' OR regexp_matches(words[1], '^([^:]+|\[.*\]):\d{1,5}$')) END AS has_host
    FROM timed
), placed AS (
    SELECT *,
        CASE WHEN has_host THEN web_server_host(words[1]) END AS host,
        CASE WHEN l.clients <> '' THEN web_server_clients(CASE WHEN has_host THEN l.clients[length(words[1]) + 1:] ELSE l.clients END) END AS clients
    FROM listed
), clients AS (
    SELECT *,
        CASE WHEN is_ssl THEN s.client WHEN is_list THEN clients[1] WHEN has_host THEN words[2] ELSE words[1] END AS client,
        CASE WHEN is_list THEN l.identity WHEN has_host THEN words[3] ELSE words[2] END AS identity,
        CASE WHEN is_list THEN l.user ELSE array_to_string(words[CASE WHEN has_host THEN 4 ELSE 3 END:], ' ') END AS remote_user,
        CASE WHEN iso IS NULL THEN clf ELSE iso_time(iso, getvariable('zone')) END AS event_time
    FROM placed
), answered AS (
    SELECT *, CASE WHEN NOT coalesce(is_ssl, false) THEN clf_request(h.rest) END AS r FROM clients
), agented AS (
    SELECT *, CASE WHEN r.tail <> '' THEN clf_agents(r.tail) END AS a FROM answered
), fields AS (
    SELECT *,
        a.agent <> '' OR a.referrer <> '' OR a.extra <> '' OR regexp_matches(r.tail, '^ (?:""|-) (?:""|-)$') AS has_agents,
        CASE WHEN is_ssl THEN s.request WHEN r.status = '' THEN (clf_cut(h.rest)).request ELSE r.request END AS request,
        CASE WHEN is_ssl THEN NULL WHEN r.status = '' THEN (clf_cut(h.rest)).status ELSE r.status END AS status,
        CASE WHEN is_ssl THEN s.size ELSE r.size END AS size
    FROM agented
), cut AS (
    SELECT *, CASE WHEN NOT coalesce(has_agents, false) AND starts_with(r.tail, ' "')
                   THEN regexp_extract(r.tail, '^ "((?:[^"\\]|\\.)*)(?:" ?"?((?:[^"\\]|\\.)*))?', ['referrer', 'agent']) END AS c,
        trim(CASE WHEN is_ssl THEN s.extra WHEN has_agents THEN a.extra WHEN starts_with(r.tail, ' "') THEN '' ELSE coalesce(r.tail, '') END) AS further
    FROM fields
), requested AS (
    SELECT *, string_split(request, ' ') AS parts, odd_request(request) AS odd,
        try_cast(status AS SMALLINT) AS status_code, body_size(size) AS body_bytes,
        CASE WHEN contains(further, '] [') THEN web_server_ingress(further) END AS ingress
    FROM cut
), judged AS (
    SELECT *, request_is_plain(parts) AS known,
        CASE WHEN request_is_plain(parts) THEN parts[2] ELSE dash_null(odd.target) END AS target,
        c IS NOT NULL OR (NOT coalesce(is_ssl, false) AND (r.status = '' OR status_code IS NULL))
            OR (body_bytes IS NULL AND coalesce(size, '') <> '-') AS is_odd
    FROM requested
)
SELECT
    origin, raw,
    CASE WHEN event_time IS NULL AND bracket <> ''
         THEN 'time: ' || left(coalesce(nullif(h.time, ''), bracket), 60) || ' is not a time; expected 22/Nov/2026:13:04:05 +0900'
         WHEN event_time IS NULL
         THEN 'time: none found; expected [22/Nov/2026:13:04:05 +0900] after virtual host, client, identity and user'
         WHEN coalesce(is_ssl, false) THEN NULL
         WHEN is_list AND coalesce(client, '') = ''
         THEN 'client: a list without identity and user behind it; expected 203.0.113.9, 198.51.100.7 - -'
         WHEN NOT is_list AND len(words) < 3
         THEN 'client: only ' || coalesce(nullif(left(h.head, 60), ''), 'nothing') || ' before the time; expected virtual host, client, identity and user'
    END AS reject_reason,
    event_time,
    CASE WHEN iso IS NULL THEN 'offset' ELSE iso_basis(iso, getvariable('zone')) END AS time_basis,
    CASE WHEN is_odd OR NOT (known OR request = '-') THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(client) AS client_address,
    dash_null(CASE WHEN NOT coalesce(is_ssl, false) THEN remote_user END) AS user_name,
    CASE WHEN known THEN parts[1] ELSE dash_null(odd.method) END AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    CASE WHEN known THEN parts[3][6:] ELSE dash_null(odd.version) END AS network_protocol_version,
    status_code AS http_response_status_code,
    body_bytes AS http_response_body_size_bytes,
    CASE WHEN regexp_full_match(further, '\d{1,9}\.\d{1,9}') THEN round(further::DOUBLE * 1000, 6)
         WHEN regexp_full_match(further, '\d{1,15}') THEN round(further::DOUBLE / 1000, 6)
         WHEN ingress IS NOT NULL THEN web_server_seconds(ingress.request_time)
         ELSE round(web_server_tail_total(further), 6) END AS duration_ms,
    CASE WHEN ingress IS NOT NULL THEN web_server_seconds(ingress.time)
         ELSE round(web_server_tail_upstream(further), 6) END AS upstream_duration_ms,
    dash_null(coalesce(c.referrer, a.referrer)) AS http_request_referrer,
    dash_null(coalesce(c.agent, a.agent)) AS user_agent_original,
    dash_null(host.host) AS server_address,
    CASE WHEN is_ssl THEN web_server_tls(s.protocol) END AS tls_protocol_version,
    attributes_of([
        {'key': 'server_port', 'value': nullif(host.port, '')},
        {'key': 'identity', 'value': CASE WHEN NOT coalesce(is_ssl, false) THEN dash_null(identity) END},
        {'key': 'client_addresses', 'value': CASE WHEN len(clients) > 1 THEN array_to_string(clients, ', ') END},
        {'key': 'request', 'value': CASE WHEN NOT known AND dash_null(odd.method) IS NULL THEN dash_null(request) END},
        {'key': 'status', 'value': CASE WHEN status_code IS NULL THEN dash_null(status) END},
        {'key': 'size', 'value': CASE WHEN body_bytes IS NULL THEN dash_null(size) END},
        {'key': 'ssl_cipher', 'value': CASE WHEN is_ssl THEN dash_null(s.cipher) END},
        {'key': 'request_length', 'value': dash_null(ingress.request_length)},
        {'key': 'proxy_upstream_name', 'value': dash_null(ingress.upstream_name)},
        {'key': 'proxy_alternative_upstream_name', 'value': dash_null(ingress.alternative_name)},
        {'key': 'upstream_addr', 'value': dash_null(ingress.address)},
        {'key': 'upstream_response_length', 'value': dash_null(ingress.length)},
        {'key': 'upstream_response_time', 'value': CASE WHEN contains(ingress.time, ' ') THEN ingress.time END},
        {'key': 'upstream_status', 'value': dash_null(ingress.status)},
        {'key': 'req_id', 'value': dash_null(ingress.id)},
        {'key': 'extra', 'value': CASE WHEN ingress.id <> '' THEN nullif(trim(ingress.rest), '')
            WHEN NOT regexp_full_match(further, '-|"-"|\d{1,9}\.\d{1,9}|\d{1,15}') THEN nullif(further, '') END}
    ]) AS attributes
FROM judged
