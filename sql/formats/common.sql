-- title: Apache and nginx common access log
-- dataset: web_access
-- detect: \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d
-- priority: 50
-- sample: 203.0.113.9 - - [22/Nov/2026:13:04:05 +0900] "GET /cart HTTP/1.0" 200 5123
-- limits: a line with more than the seven fields is rejected: it is another format, most often combined
WITH headed AS (
    SELECT origin, raw, clf_head(raw) AS h FROM records
), answered AS (
    SELECT *, clf_request(h.rest) AS r, clf_time(h.time) AS event_time FROM headed
), fields AS (
    SELECT *, CASE WHEN r.status = '' THEN (clf_cut(h.rest)).request ELSE r.request END AS request,
        CASE WHEN r.status = '' THEN (clf_cut(h.rest)).status ELSE r.status END AS status FROM answered
), requested AS (
    SELECT *, string_split(request, ' ') AS words, odd_request(request) AS odd FROM fields
), judged AS (
    SELECT *, request_is_plain(words) AS known,
        CASE WHEN request_is_plain(words) THEN words[2] ELSE dash_null(odd.target) END AS target
    FROM requested
)
SELECT
    origin, raw,
    CASE WHEN event_time IS NULL AND h.time <> ''
         THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 22/Nov/2026:13:04:05 +0900'
         WHEN event_time IS NULL
         THEN 'time: none found; expected [22/Nov/2026:13:04:05 +0900] after client, identity and user'
         WHEN contains(h.user, ' ') AND regexp_matches(h.client, ':\d{1,5}$')
         THEN 'client: a virtual host with port stands before it; expected the address of the client first'
         WHEN trim(r.tail) <> '' AND r.status <> ''
         THEN 'size: more text follows it; expected the end of the line (is this the combined format?)' END AS reject_reason,
    event_time,
    'offset' AS time_basis,
    CASE WHEN r.status = '' OR NOT (known OR request = '-') OR try_cast(status AS SMALLINT) IS NULL
              OR (r.size <> '-' AND body_size(r.size) IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(h.client) AS client_address,
    dash_null(h.user) AS user_name,
    CASE WHEN known THEN words[1] ELSE dash_null(odd.method) END AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    CASE WHEN known THEN words[3][6:] ELSE dash_null(odd.version) END AS network_protocol_version,
    try_cast(status AS SMALLINT) AS http_response_status_code,
    body_size(r.size) AS http_response_body_size_bytes,
    CASE WHEN h.identity = '-' AND (known OR request = '-') THEN no_attributes()
         ELSE attributes_of([
             {'key': 'identity', 'value': dash_null(h.identity)},
             {'key': 'request', 'value': CASE WHEN NOT known AND dash_null(odd.method) IS NULL THEN dash_null(request) END}
         ]) END AS attributes
FROM judged
