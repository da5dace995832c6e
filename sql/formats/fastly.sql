-- title: Fastly real-time logs behind the syslog prefix: JSON, common and combined format, PyPI's download log
-- dataset: web_access
-- detect: \bcache-[a-z0-9-]+ [^ \[]+\[\d+\]: |^(?:<\d+>\S+ \S+ \S+: )?(?:download|simple)\|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} |"fastly_(?:server|is_edge)"|"ddsource":\s*"fastly"
-- priority: 70
-- sample: <134>2026-11-22T13:04:05Z cache-nrt-rjtf7700042 shop-logs[322614]: {"date_time":"2026-11-22T13:04:05.460557177Z","ip":"203.0.113.9","method":"GET","url":"https://shop.example/cart?step=2","status":200,"bytes":5123}
-- limits: a log's own format is yours to choose at Fastly: of JSON the field names of Fastly's examples and crates.io are known, the rest are attributes; without a time in the message that of the prefix; time_elapsed is microseconds, as in Fastly's examples
WITH prefixed AS (
    SELECT origin, raw, proxy_prefix(raw) AS p FROM records
), told AS (
    SELECT *, p."time" <> '' AS has_prefix, CASE WHEN p."time" <> '' THEN p.message ELSE raw END AS message FROM prefixed
), sorted AS (
    SELECT *,
        CASE WHEN starts_with(message, '{') THEN 'json' WHEN regexp_matches(message, '^[a-z_]+\|[A-Z][a-z]{2}, ') THEN 'pipe' WHEN has_prefix THEN 'clf' ELSE 'none' END AS kind
    FROM told
), opened AS (
    SELECT *,
        CASE WHEN kind = 'json' AND json_valid(message) THEN TRY(json_entries(message)) END AS entries,
        CASE WHEN kind = 'pipe' THEN string_split(message, '|') END AS cells,
        CASE WHEN kind = 'clf' THEN regexp_extract(message,
            '^(?:(\S+) )??(\S+) (\S+) (\S+) (?:\[([^\]]+)\]|"?([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)"?) "((?:[^"\\]|\\.)*)" (\d{3}|-) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?(.*)$',
            ['virtual_host', 'client', 'identity', 'user', 'time', 'long_time', 'request', 'status', 'size', 'referrer', 'agent', 'extra']) END AS f
    FROM sorted
), flattened AS (
    SELECT * EXCLUDE (entries), entries IS NULL AS has_no_entries,
        list_filter(entries, lambda entry: NOT list_contains(['http', 'tls', 'network'], entry.key) OR NOT starts_with(entry.value, '{'))
            || proxy_nested(json_field(entries, ['http']).value, 'http_') || list_filter(network, lambda entry: entry.key <> 'network_client' OR NOT starts_with(entry.value, '{')) || proxy_nested(json_field(network, ['network_client']).value, 'network_client_') || proxy_nested(json_field(entries, ['tls']).value, 'tls_') AS entries
    FROM (SELECT *, proxy_nested(json_field(entries, ['network']).value, 'network_') AS network FROM opened)
), found AS (
    SELECT *,
        json_field(entries, ['date_time', 'timestamp', '@timestamp', 'time_start', 'start_time', 'request_start', 'datetime', 'time']) AS time_field,
        json_field(entries, ['client_ip', 'ip', 'remote_addr', 'client_address', 'remote_ip', 'network_client_ip']) AS client_field,
        json_field(entries, ['method', 'request_method', 'req_method', 'http_method']) AS method_field,
        json_field(entries, ['url', 'request_url', 'req_url', 'http_url', 'uri', 'path', 'url_path']) AS url_field,
        json_field(entries, ['status', 'response_status', 'resp_status', 'status_code', 'http_status', 'http_status_code']) AS status_field,
        json_field(entries, ['response_body_size', 'resp_body_size', 'resp_body_bytes', 'bytes', 'body_bytes_sent', 'response_bytes', 'network_bytes_written', 'http_bytes_written']) AS size_field,
        json_field(entries, ['request_body_size', 'req_body_size', 'req_body_bytes', 'request_body_bytes', 'network_bytes_read']) AS received_field,
        json_field(entries, ['host', 'request_host', 'req_host', 'http_host', 'server_name']) AS host_field,
        json_field(entries, ['request_protocol', 'http_protocol', 'protocol', 'req_proto', 'proto']) AS protocol_field,
        json_field(entries, ['request_referer', 'http_referer', 'referer', 'referrer', 'http_referrer', 'req_referer']) AS referrer_field,
        json_field(entries, ['request_user_agent', 'user_agent', 'useragent', 'http_useragent', 'http_user_agent', 'req_user_agent']) AS agent_field,
        json_field(entries, ['tls_protocol', 'tls_client_protocol', 'tls_version']) AS tls_field,
        json_field(entries, ['time_elapsed', 'time_elapsed_usec', 'elapsed_usec']) AS elapsed_field
    FROM flattened
), timed AS (
    SELECT *,
        proxy_moment(CASE kind WHEN 'json' THEN time_field.value WHEN 'pipe' THEN cells[2] WHEN 'clf' THEN CASE WHEN f."time" <> '' THEN f."time" ELSE f.long_time END END) AS own,
        CASE WHEN has_prefix THEN proxy_moment(p."time") END AS prefix_moment,
        CASE kind WHEN 'json' THEN url_field.value WHEN 'pipe' THEN proxy_null(cells[4]) END AS url,
        CASE WHEN kind = 'clf' THEN string_split(f.request, ' ') END AS words,
        CASE WHEN kind = 'json' THEN status_field.value WHEN kind = 'clf' THEN dash_null(f.status) END AS status,
        CASE WHEN kind = 'json' THEN size_field.value WHEN kind = 'clf' THEN dash_null(f.size) END AS size
    FROM found
), parted AS (
    SELECT *, coalesce(own.time, prefix_moment.time) AS event_time, proxy_url(url) AS u,
        request_is_plain(words) AS known, CASE WHEN kind = 'clf' AND NOT request_is_plain(words) THEN odd_request(f.request) END AS odd,
        CASE WHEN kind = 'pipe' THEN proxy_null(array_to_string(cells[10:], '|')) END AS pipe_agent,
        regexp_full_match(elapsed_field.value, '\d{1,15}') AS has_elapsed
    FROM timed
), targeted AS (
    SELECT *, u.scheme IS NOT NULL AND u.scheme <> '' AS is_url,
        CASE WHEN kind = 'clf' THEN CASE WHEN known THEN words[2] ELSE dash_null(odd.target) END
             WHEN u.scheme <> '' THEN CASE WHEN u.target = '' OR u.target[1] = '?' THEN '/' || u.target ELSE u.target END
             ELSE nullif(url, '') END AS target
    FROM parted
)
SELECT
    origin, raw,
    CASE WHEN kind = 'none' THEN 'prefix: none; expected <134>2026-11-22T13:04:05Z cache-nrt-rjtf7700042 name[322614]: before the message'
         WHEN kind = 'json' AND has_no_entries THEN 'message: not a JSON object; expected {"date_time":"2026-11-22T13:04:05Z", …}'
         WHEN kind = 'json' AND coalesce(url_field, status_field, client_field) IS NULL
         THEN 'message: no url, status or ip in the JSON object; expected {"ip":"203.0.113.9","url":"https://shop.example/", …}'
         WHEN kind = 'json' AND NOT has_prefix AND json_field(entries, ['fastly_server', 'fastly_is_edge', 'ddsource']) IS NULL
         THEN 'prefix: none, and no field of Fastly such as fastly_server; expected <134>2026-11-22T13:04:05Z cache-nrt-rjtf7700042 name[322614]:'
         WHEN kind = 'clf' AND (f.client = '' OR f.client IS NULL)
         THEN 'message: neither JSON nor an access log; expected 203.0.113.9 - - [22/Nov/2026:13:04:05 +0000] "GET / HTTP/1.1" 200 5123'
         WHEN kind = 'pipe' AND own.time IS NULL THEN 'time: ' || left(cells[2], 60) || ' is not a time; expected Sun, 22 Nov 2026 13:04:05 GMT'
         WHEN event_time IS NULL THEN 'time: none found; expected "date_time":"2026-11-22T13:04:05Z" or a time in the prefix' END AS reject_reason,
    event_time,
    CASE WHEN own.time IS NOT NULL THEN own.basis ELSE prefix_moment.basis END AS time_basis,
    CASE WHEN own.time IS NULL AND (time_field IS NOT NULL OR kind = 'clf') THEN 'partial'
         WHEN status IS NOT NULL AND try_cast(status AS SMALLINT) IS NULL OR size IS NOT NULL AND body_size(size) IS NULL THEN 'partial'
         WHEN kind = 'clf' AND NOT (known OR f.request = '-') THEN 'partial'
         WHEN kind = 'json' AND url IS NOT NULL AND NOT is_url AND url[1] NOT IN ('/', '*') THEN 'partial'
         WHEN kind = 'pipe' AND (len(cells) < 10 OR target IS NULL
              OR (cells[1] = 'download' AND (proxy_null(cells[7]) IS NULL OR proxy_null(cells[8]) IS NULL OR proxy_null(cells[9]) IS NULL))) THEN 'partial'
         ELSE 'ok' END AS parse_status,
    dash_null(p.host) AS host_name,
    CASE kind WHEN 'json' THEN dash_null(client_field.value) WHEN 'clf' THEN dash_null(trim(f.client, '"')) END AS client_address,
    CASE WHEN kind = 'clf' THEN dash_null(trim(f.user, '"')) END AS user_name,
    CASE WHEN kind = 'json' THEN dash_null(method_field.value) WHEN known THEN words[1] ELSE dash_null(odd.method) END AS http_request_method,
    url_path_of(target) AS url_path,
    url_query_of(target) AS url_query,
    CASE WHEN kind = 'json' THEN proxy_http_version(protocol_field.value) WHEN known THEN words[3][6:] ELSE dash_null(odd.version) END AS network_protocol_version,
    try_cast(status AS SMALLINT) AS http_response_status_code,
    body_size(received_field.value) AS http_request_body_size_bytes,
    body_size(size) AS http_response_body_size_bytes,
    CASE WHEN has_elapsed THEN round(try_cast(elapsed_field.value AS DOUBLE) / 1000, 6) END AS duration_ms,
    dash_null(CASE WHEN kind = 'json' THEN referrer_field.value ELSE f.referrer END) AS http_request_referrer,
    CASE kind WHEN 'json' THEN dash_null(agent_field.value) WHEN 'pipe' THEN pipe_agent ELSE dash_null(f.agent) END AS user_agent_original,
    coalesce(CASE WHEN is_url THEN nullif(trim(u.host, '[]'), '') END, CASE WHEN kind = 'json' THEN dash_null(host_field.value) ELSE dash_null(f.virtual_host) END) AS server_address,
    proxy_tls_version(CASE WHEN kind = 'json' THEN tls_field.value ELSE proxy_null(cells[5]) END) AS tls_protocol_version,
    attributes_of([
        {'key': 'pri', 'value': nullif(p.pri, '')},
        {'key': 'syslog_time', 'value': CASE WHEN own.time IS NOT NULL THEN nullif(p."time", '') END},
        {'key': 'log_name', 'value': dash_null(p.program)},
        {'key': 'pid', 'value': dash_null(p.pid)},
        {'key': 'url_scheme', 'value': CASE WHEN is_url THEN u.scheme END},
        {'key': 'url_port', 'value': CASE WHEN is_url THEN nullif(u.port, '') END},
        {'key': 'identity', 'value': CASE WHEN kind = 'clf' THEN dash_null(trim(f.identity, '"')) END},
        {'key': 'request', 'value': CASE WHEN kind = 'clf' AND NOT known AND dash_null(odd.method) IS NULL THEN dash_null(f.request) END},
        {'key': 'extra', 'value': CASE WHEN kind = 'clf' THEN nullif(trim(f.extra), '') END}
    ] || CASE WHEN kind = 'pipe' THEN [
        {'key': 'action', 'value': cells[1]},
        {'key': 'country_code', 'value': proxy_null(cells[3])},
        {'key': 'tls_cipher', 'value': proxy_null(cells[6])},
        {'key': 'project', 'value': proxy_null(cells[7])},
        {'key': 'version', 'value': proxy_null(cells[8])},
        {'key': 'package_type', 'value': proxy_null(cells[9])}
    ] ELSE [] END || coalesce(list_filter(entries, lambda entry: entry.value IS NOT NULL AND NOT list_contains([
        CASE WHEN own.time IS NOT NULL THEN time_field.key END, client_field.key, method_field.key, url_field.key,
        CASE WHEN try_cast(status AS SMALLINT) IS NOT NULL THEN status_field.key END,
        CASE WHEN body_size(size) IS NOT NULL THEN size_field.key END,
        CASE WHEN body_size(received_field.value) IS NOT NULL THEN received_field.key END,
        CASE WHEN NOT is_url OR host_field.value = u.host THEN host_field.key END,
        protocol_field.key, referrer_field.key, agent_field.key, tls_field.key, CASE WHEN has_elapsed THEN elapsed_field.key END], entry.key)), [])) AS attributes
FROM targeted
