-- title: Traefik access log in its common log format
-- dataset: web_access
-- detect: " (?:\d+|-) (?:"[^"]*"|-) (?:"[^"]*"|-) \d+ms\s*$
-- priority: 65
-- sample: 203.0.113.9 - frank [22/Nov/2026:13:04:05 +0000] "GET /cart?step=2 HTTP/2.0" 200 5123 "https://shop.example.com/" "Mozilla/5.0" 4711 "shop@docker" "http://198.51.100.4:8080" 34ms
-- limits: a line without Traefik's own fields (request count, router, server URL, milliseconds) is read as common or combined; the duration has whole milliseconds
WITH headed AS (
    SELECT origin, raw, clf_head(raw) AS h FROM records
), answered AS (
    SELECT *, clf_request(h.rest) AS r, clf_time(h.time) AS event_time FROM headed
), tailed AS (
    SELECT *, clf_agents(r.tail) AS a FROM answered
), fields AS (
    SELECT *, regexp_extract(a.extra, '^ (\d+|-) (?:"((?:[^"\\]|\\.)*)"|-) (?:"((?:[^"\\]|\\.)*)"|-)(?: (\d+)ms)?(.*)$', ['count', 'router', 'url', 'duration', 'extra']) AS t,
        regexp_extract(r.tail, '^ "((?:[^"\\]|\\.)*)(?:" ?"?((?:[^"\\]|\\.)*))?', ['referrer', 'agent']) AS c,
        r.tail <> '' AND a.referrer = '' AND a.agent = '' AND a.extra = '' AND NOT regexp_matches(r.tail, '^ (?:""|-) (?:""|-)$') AS is_cut,
        CASE WHEN r.status = '' THEN (clf_cut(h.rest)).request ELSE r.request END AS request,
        CASE WHEN r.status = '' THEN (clf_cut(h.rest)).status ELSE r.status END AS status
    FROM tailed
), requested AS (
    SELECT *, string_split(request, ' ') AS words, odd_request(request) AS odd,
        try_cast(status AS SMALLINT) AS status_code, body_size(r.size) AS body_bytes
    FROM fields
), judged AS (
    SELECT *, request_is_plain(words) AS known,
        CASE WHEN request_is_plain(words) THEN words[2] ELSE dash_null(odd.target) END AS target
    FROM requested
)
SELECT
    origin, raw,
    CASE WHEN event_time IS NULL AND h.time <> ''
         THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 22/Nov/2026:13:04:05 +0000'
         WHEN event_time IS NULL
         THEN 'time: none found; expected [22/Nov/2026:13:04:05 +0000] after client, identity and user'
         WHEN web_server_host_first(h.client, h.identity, h.user) OR contains(h.client, ',') OR starts_with(h.client, '"')
         THEN 'client: ' || left(h.client, 60) || ' is not one address; expected the address of the client first'
         WHEN a.extra <> '' AND t.count = ''
         THEN 'request count: ' || left(trim(a.extra), 60) || ' after the user agent; expected 4711 "router" "server URL" 34ms'
    END AS reject_reason,
    event_time,
    'offset' AS time_basis,
    CASE WHEN r.status = '' OR is_cut OR (a.extra <> '' AND t.duration = '') OR NOT (known OR request = '-') OR (status_code IS NULL AND status <> '-')
              OR (r.size <> '-' AND body_bytes IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(h.client) AS client_address,
    dash_null(h.user) AS user_name,
    CASE WHEN known THEN words[1] ELSE dash_null(odd.method) END AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    CASE WHEN known THEN words[3][6:] ELSE dash_null(odd.version) END AS network_protocol_version,
    status_code AS http_response_status_code,
    body_bytes AS http_response_body_size_bytes,
    measured(try_cast(t.duration AS DOUBLE)) AS duration_ms,
    dash_null(CASE WHEN is_cut THEN c.referrer ELSE a.referrer END) AS http_request_referrer,
    dash_null(CASE WHEN is_cut THEN c.agent ELSE a.agent END) AS user_agent_original,
    attributes_of([
        {'key': 'identity', 'value': dash_null(h.identity)},
        {'key': 'request', 'value': CASE WHEN NOT known AND dash_null(odd.method) IS NULL THEN dash_null(request) END},
        {'key': 'status', 'value': CASE WHEN status_code IS NULL THEN dash_null(status) END},
        {'key': 'size', 'value': CASE WHEN body_bytes IS NULL THEN dash_null(r.size) END},
        {'key': 'request_count', 'value': dash_null(t.count)},
        {'key': 'router_name', 'value': dash_null(t.router)},
        {'key': 'service_url', 'value': dash_null(t.url)},
        {'key': 'extra', 'value': nullif(trim(t.extra), '')}
    ]) AS attributes
FROM judged
