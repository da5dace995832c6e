-- title: uvicorn (FastAPI, Starlette) on the console: requests, and what else the server prints
-- dataset: web_access, app_log
-- continues: ^\s+\S|^(?:Traceback \(most recent call last\)|During handling of the above|The above exception was|[\w.]+(?:Error|Exception|Interrupt|Exit)\b)
-- detect: (?:TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL)\S*\s.*(?:- "(?:[A-Z]+ \S+ HTTP/\d|WebSocket \S+" )|(?:Started server process|Uvicorn running on|Application startup complete|Waiting for application startup))
-- priority: 60
-- sample: INFO:     203.0.113.9:52446 - "GET /cart?step=2 HTTP/1.1" 200 OK
-- limits: without a time in the line it is that of the wrapper, else the landing hour; colours are removed; lines that a program prints without a level are rejected
WITH cleaned AS (
    SELECT origin, raw, rtrim(regexp_replace(replace(raw, chr(13) || chr(10), chr(10)), '\x1b\[[0-9;]*m', '', 'g'), chr(10) || chr(13) || ' ') AS text FROM records
), headed AS (
    SELECT *, regexp_extract(text,
        '(?s)^\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?\]?\s*(?:\[?(\d+)\]?\s+)?(?:[-|]\s*)?(?:(uvicorn(?:\.\w+)?)\s*[-|:]?\s*)?[\[(]?(TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL)\b[\])]?:?\s*(?:[-|]\s+)?(?:(uvicorn(?:\.\w+)?)\s*[-|:]\s+)?(.*)$',
        ['time', 'pid', 'logger', 'level', 'logger_after', 'message']) AS h
    FROM cleaned
), shaped AS (
    SELECT *, regexp_extract(h.message, '^(?:(?:(\S+|\(\S+ \d+\)) )?- )?"(.*)"(?: (\d{3})(?: ([^\n]*))?| (\[accepted\]))?$',
        ['client', 'request', 'status', 'phrase', 'accepted']) AS whole,
        regexp_extract(h.message, '^(\S+:\d{1,5}) - "([^"\n]*)()()()$', ['client', 'request', 'status', 'phrase', 'accepted']) AS cut,
        CASE WHEN h.time <> '' THEN iso_parts(replace(h.time, '/', '-')) END AS parts
    FROM headed
), chosen AS (
    SELECT *, CASE WHEN cut.client <> '' THEN cut ELSE whole END AS a FROM shaped
), requested AS (
    SELECT *, a.client <> '' AND cut.client <> '' OR a.status <> '' OR a.accepted <> '' OR regexp_matches(a.request, ' HTTP/\d') AS is_access,
        string_split(a.request, ' ') AS words, odd_request(a.request) AS odd,
        starts_with(a.request, 'WebSocket ') AS is_socket,
        regexp_replace(a.client, '^\(''?(.*?)''?, (\d+)\)$', '\1:\2') AS client,
        CASE WHEN parts IS NOT NULL THEN iso_time(parts, getvariable('zone')) END AS written_time
    FROM chosen
), judged AS (
    SELECT *, request_is_plain(words) AS known, regexp_extract(client, '^\[?(.*?)\]?:(\d{1,5})$', ['host', 'port']) AS peer,
        CASE WHEN is_socket THEN a.request[11:] WHEN request_is_plain(words) THEN words[2] ELSE dash_null(odd.target) END AS target
    FROM requested
)
SELECT
    origin, raw,
    CASE WHEN is_access THEN 'web_access' ELSE 'app_log' END AS dataset,
    CASE WHEN h.level = '' THEN 'level: none at the start; expected INFO: or a time and INFO'
         WHEN h.time <> '' AND written_time IS NULL THEN 'time: ' || h.time || ' is not a time; expected 2026-11-22 13:04:05,123'
         WHEN h.message = '' THEN 'message: nothing after the level; expected 203.0.113.9:52446 - "GET / HTTP/1.1" 200 OK' END AS reject_reason,
    CASE WHEN h.time <> '' THEN written_time WHEN origin.wrapper_time IS NULL THEN getvariable('landing')::TIMESTAMP END AS event_time,
    CASE WHEN h.time <> '' THEN iso_basis(parts, getvariable('zone')) ELSE 'landing_hour' END AS time_basis,
    CASE WHEN is_access AND (NOT (known OR is_socket) OR (a.status = '' AND a.accepted = '')) THEN 'partial' ELSE 'ok' END AS parse_status,
    CASE WHEN NOT is_access THEN h.level END AS severity_text,
    CASE WHEN NOT is_access THEN coalesce(nullif(h.logger, ''), nullif(h.logger_after, '')) END AS logger_name,
    CASE WHEN NOT is_access THEN try_cast(nullif(h.pid, '') AS BIGINT) END AS process_pid,
    CASE WHEN NOT is_access THEN CASE WHEN h.level = '' THEN text ELSE h.message END END AS body,
    CASE WHEN is_access THEN dash_null(CASE WHEN peer.host <> '' THEN peer.host ELSE client END) END AS client_address,
    CASE WHEN is_access AND NOT is_socket THEN CASE WHEN known THEN words[1] ELSE dash_null(odd.method) END END AS http_request_method,
    CASE WHEN is_access THEN url_path_of(target) END AS url_path,
    CASE WHEN is_access THEN url_query_of(target) END AS url_query,
    CASE WHEN is_access THEN CASE WHEN known THEN words[3][6:] ELSE dash_null(odd.version) END END AS network_protocol_version,
    CASE WHEN is_access THEN try_cast(nullif(a.status, '') AS SMALLINT) END AS http_response_status_code,
    CASE WHEN is_access THEN attributes_of([
        {'key': 'client_port', 'value': nullif(peer.port, '')},
        {'key': 'request', 'value': CASE WHEN NOT known AND NOT is_socket AND dash_null(odd.method) IS NULL THEN dash_null(a.request) END},
        {'key': 'protocol', 'value': CASE WHEN is_socket THEN 'WebSocket' END},
        {'key': 'accepted', 'value': CASE WHEN a.accepted <> '' THEN 'true' END},
        {'key': 'reason_phrase', 'value': nullif(a.phrase, '')},
        {'key': 'level', 'value': CASE WHEN h.level <> 'INFO' THEN h.level END},
        {'key': 'pid', 'value': nullif(h.pid, '')}
    ]) ELSE no_attributes() END AS attributes
FROM judged
