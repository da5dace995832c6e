-- title: Apache and nginx combined access log, with optional further fields after the user agent
-- dataset: web_access
-- detect: \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d|\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*\] "
-- priority: 60
-- sample: 203.0.113.9 - frank [22/Nov/2026:13:04:05 +0900] "GET /cart?step=2 HTTP/1.1" 200 5123 "https://shop.example/" "Mozilla/5.0" 0.034
-- limits: a trailing number with a decimal point is $request_time (seconds), one without is %D (microseconds); of two numbers with decimal points the second is the upstream time; of a list of clients (X-Forwarded-For first) the first is client_address; a virtual host first is combined_vhost
WITH split AS (
    SELECT origin, raw, string_split(raw, '"') AS quoted FROM records
), shaped AS (
    SELECT origin, raw, quoted, string_split(quoted[1], ' ') AS head, string_split(quoted[3], ' ') AS numbers FROM split
), judged AS (
    SELECT *, clf_is_plain(quoted, head, numbers) AND len(quoted) >= 7 AND quoted[5] = ' '
        AND NOT ends_with(quoted[4], '\') AND NOT ends_with(quoted[6], '\') AND NOT contains(head[1], ',') AS plain
    FROM shaped
), headed AS (
    SELECT *, CASE WHEN NOT plain THEN clf_head(regexp_replace(raw, '^(\S+) - \[\S*\] - ', '\1 - ')) END AS h FROM judged
), answered AS (
    SELECT *, CASE WHEN NOT plain THEN clf_request(h.rest) END AS r,
        CASE WHEN NOT plain AND (contains(h.client, ',') OR starts_with(h.client, '"'))
             THEN web_server_list_head(concat_ws(' ', h.client, h.identity, h.user)) END AS l
    FROM headed
), agented AS (
    SELECT *, CASE WHEN NOT plain THEN clf_agents(r.tail) END AS a,
        CASE WHEN l.clients <> '' THEN web_server_clients(l.clients) END AS clients
    FROM answered
), careful AS (
    SELECT *,
        CASE WHEN NOT plain AND a.extra = '' AND a.agent = '' AND NOT regexp_matches(r.tail, '^ (?:"(?:[^"\\]|\\.)*"|-) (?:""|-)$')
             THEN regexp_extract(r.tail, '^ "((?:[^"\\]|\\.)*)(?:" ?"?((?:[^"\\]|\\.)*))?', ['referrer', 'agent']) END AS cut
    FROM agented
), fields AS (
    SELECT origin, raw, plain, clients,
        CASE WHEN plain THEN head[1] WHEN clients IS NOT NULL THEN clients[1] ELSE h.client END AS client,
        CASE WHEN plain THEN head[2] WHEN clients IS NOT NULL THEN l.identity ELSE h.identity END AS identity,
        CASE WHEN plain THEN head[3] WHEN clients IS NOT NULL THEN l.user ELSE h.user END AS remote_user,
        CASE WHEN plain THEN head[4][2:] || ' ' || head[5][1:5] ELSE h.time END AS time_text,
        CASE WHEN plain THEN quoted[2] WHEN r.status = '' THEN (clf_cut(h.rest)).request ELSE r.request END AS request,
        CASE WHEN plain THEN numbers[2] WHEN r.status = '' THEN (clf_cut(h.rest)).status ELSE r.status END AS status,
        CASE WHEN plain THEN numbers[3] ELSE r.size END AS size,
        CASE WHEN plain THEN quoted[4] WHEN cut IS NOT NULL THEN cut.referrer ELSE a.referrer END AS referrer,
        CASE WHEN plain THEN quoted[6] WHEN cut IS NOT NULL THEN cut.agent ELSE a.agent END AS agent,
        CASE WHEN plain AND len(quoted) = 7 THEN quoted[7]
             WHEN plain AND len(quoted) = 9 AND quoted[7] = ' ' AND quoted[8] = '-' THEN quoted[9]
             WHEN plain THEN array_to_string(quoted[7:], '"') ELSE a.extra END AS extra,
        NOT plain AND (cut IS NOT NULL OR r.status = '') AS is_cut
    FROM careful
), timed AS (
    SELECT *, clf_time(time_text) AS clf, CASE WHEN NOT plain AND regexp_matches(time_text, '^\d{4}-') THEN iso_parts(time_text) END AS iso,
        string_split(request, ' ') AS words,
        CASE WHEN extra = '' THEN '' ELSE trim(extra) END AS further,
        coalesce(extra, '') IN ('', ' -', ' "-"') AS is_bare
    FROM fields
), requested AS (
    SELECT *, request_is_plain(words) AS known, CASE WHEN NOT request_is_plain(words) THEN odd_request(request) END AS odd,
        CASE WHEN iso IS NULL THEN clf ELSE iso_time(iso, getvariable('zone')) END AS event_time,
        try_cast(status AS SMALLINT) AS status_code, body_size(size) AS body_bytes,
        is_bare OR regexp_full_match(further, '\d{1,9}\.\d{1,9}|\d{1,15}') AS is_usual,
        CASE WHEN NOT is_bare AND contains(further, '] [') THEN web_server_ingress(further) END AS ingress
    FROM timed
), targeted AS (
    SELECT *, CASE WHEN known THEN words[2] ELSE dash_null(odd.target) END AS target,
        status_code IS NULL OR (body_bytes IS NULL AND size <> '-') AS is_odd
    FROM requested
)
SELECT
    origin, raw,
    CASE WHEN event_time IS NULL AND time_text <> ''
         THEN 'time: ' || left(time_text, 60) || ' is not a time; expected 22/Nov/2026:13:04:05 +0900'
         WHEN event_time IS NULL
         THEN 'time: none found; expected [22/Nov/2026:13:04:05 +0900] after client, identity and user'
         WHEN NOT plain AND web_server_host_first(client, identity, remote_user)
         THEN 'client: a virtual host stands before it; expected the address of the client first (is this combined_vhost?)' END AS reject_reason,
    event_time,
    CASE WHEN iso IS NULL THEN 'offset' ELSE iso_basis(iso, getvariable('zone')) END AS time_basis,
    CASE WHEN is_cut OR NOT (known OR request = '-') OR is_odd THEN 'partial' ELSE 'ok' END AS parse_status,
    dash_null(client) AS client_address,
    dash_null(remote_user) AS user_name,
    CASE WHEN known THEN words[1] ELSE dash_null(odd.method) END AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    CASE WHEN known THEN words[3][6:] ELSE dash_null(odd.version) END AS network_protocol_version,
    status_code AS http_response_status_code,
    body_bytes AS http_response_body_size_bytes,
    CASE WHEN is_bare THEN NULL
         WHEN regexp_full_match(further, '\d{1,9}\.\d{1,9}') THEN round(further::DOUBLE * 1000, 6)
         WHEN regexp_full_match(further, '\d{1,15}') THEN round(further::DOUBLE / 1000, 6)
         WHEN ingress IS NOT NULL THEN web_server_seconds(ingress.request_time)
         WHEN NOT is_bare THEN round(web_server_tail_total(further), 6) END AS duration_ms,
    CASE WHEN ingress IS NOT NULL THEN web_server_seconds(ingress.time)
         WHEN NOT is_bare THEN round(web_server_tail_upstream(further), 6) END AS upstream_duration_ms,
    dash_null(referrer) AS http_request_referrer,
    dash_null(agent) AS user_agent_original,
    CASE WHEN identity = '-' AND (known OR request = '-') AND is_usual AND clients IS NULL AND NOT is_odd THEN no_attributes()
         ELSE attributes_of([
             {'key': 'identity', 'value': dash_null(identity)},
             {'key': 'request', 'value': CASE WHEN NOT known AND dash_null(odd.method) IS NULL THEN dash_null(request) END},
             {'key': 'status', 'value': CASE WHEN status_code IS NULL THEN dash_null(status) END},
             {'key': 'size', 'value': CASE WHEN body_bytes IS NULL THEN dash_null(size) END},
             {'key': 'client_addresses', 'value': CASE WHEN len(clients) > 1 THEN array_to_string(clients, ', ') END},
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
         ]) END AS attributes
FROM targeted
