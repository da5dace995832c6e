-- title: Ruby on Rails: requests as blocks from Started to Completed, lograge, and Ruby's Logger
-- dataset: web_access, app_log
-- record_start: ^(?:\[[^\]]*\] )*Started [A-Z]+ "|^(?:\[[^\]]*\] )*method=[A-Z]+ path=|^[A-Z], \[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d
-- detect: ^(?:\[[^\]]*\] )*Started [A-Z]+ "[^"]*"(?: ?\[(?:non-)?WebSocket\])? for \S+ at |^[DIWEFAU], \[\d{4}-\d\d-\d\d[T ]|^(?:\[[^\]]*\] )*method=[A-Z]+ path=
-- priority: 55
-- sample: I, [2026-11-22T13:04:05.123456 #4242]  INFO -- : method=GET path=/cart format=html controller=CartController action=show status=200 duration=58.33 view=40.43 db=15.26
-- limits: a block of plain lines is one row of web_access; lines with Logger's prefix are rows of app_log each, since those of several requests interleave; a block whose Completed line is not there, or has other tags, is partial; lograge without a time is read only inside a container's wrapper
WITH headed AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw,
        regexp_extract(raw, '^([A-Z]), \[(' || app_text_iso() || ')(?: ?#(\d+))?\]\s+(\w+) -- ([^:\n]*): ?', ['letter', 'time', 'pid', 'level', 'program']) AS h,
        length(regexp_extract(raw, '^[A-Z], \[[^\]]*\]\s+\w+ -- [^:\n]*: ?')) AS head_length
    FROM records
), texted AS (
    SELECT *, CASE WHEN h.time = '' THEN raw ELSE raw[head_length + 1:] END AS tagged FROM headed
), tagged AS (
    SELECT *, regexp_extract(tagged, '^((?:\[[^\]\n]*\] )*)', 1) AS tags FROM texted
), split AS (
    SELECT *, tagged[length(tags) + 1:] AS text, list_transform(regexp_extract_all(tags, '\[([^\]]*)\]', 1), lambda tag: tag) AS tag_list FROM tagged
), begun AS (
    SELECT *,
        CASE WHEN starts_with(text, 'Started ') THEN regexp_extract(text, '^Started ([A-Z]+) "([^"\n]*)"(?: ?\[(?:non-)?WebSocket\])?(?: for (\S+))?(?: at ([^\n]+))?', ['method', 'target', 'client', 'time']) END AS b,
        starts_with(text, 'method=') AND contains(text, ' path=') AS is_lograge
    FROM split
), ended AS (
    -- lines of the block with the same tags; those of other requests are left where they are
    SELECT *, b.method <> '' AND h.time = '' AS is_block,
        CASE WHEN b.method <> '' AND h.time = '' THEN instr(raw, chr(10) || tags || 'Completed ') ELSE 0 END AS completed_at,
        CASE WHEN is_lograge THEN list_transform(regexp_extract_all(split_part(text, chr(10), 1), '[^\s=]+=(?:"(?:[^"\\]|\\.)*"|''[^'']*''|\{.*\}|\S*)'),
            lambda pair: {'key': split_part(pair, '=', 1), 'value': trim(pair[instr(pair, '=') + 1:], '"''')}) END AS pairs
    FROM begun
), processed AS (
    SELECT *, CASE WHEN completed_at > 0 THEN app_text_completed(split_part(raw[completed_at + 1 + length(tags):], chr(10), 1))
                   WHEN h.time <> '' AND starts_with(text, 'Completed ') THEN app_text_completed(text) END AS c,
        CASE WHEN is_block THEN regexp_extract(raw, '\nProcessing by (\S+?)#(\S+)(?: as (\S*))?|\n(?:\[[^\]\n]*\] )+Processing by (\S+?)#(\S+)(?: as (\S*))?', ['controller', 'action', 'format', 'controller2', 'action2', 'format2'])
             WHEN starts_with(text, 'Processing by ') THEN regexp_extract(text, '^Processing by (\S+?)#(\S+)(?: as (\S*))?()()()', ['controller', 'action', 'format', 'controller2', 'action2', 'format2']) END AS p,
        CASE WHEN is_block AND contains(raw, chr(10)) THEN nullif(trace_of(CASE WHEN completed_at > 0 THEN raw[completed_at + 1:] ELSE raw END), '') END AS trace,
        CASE WHEN is_block THEN regexp_extract(raw, '\n(?:\[[^\]\n]*\] )*  Rendered ([^\n]*?) within (\S+)', ['template', 'layout']) END AS r
    FROM ended
), timed AS (
    SELECT *, moment(CASE WHEN h.time <> '' THEN h.time WHEN b.time <> '' THEN trim(b.time) END) AS m,
        CASE WHEN is_block OR is_lograge THEN 'web_access' ELSE 'app_log' END AS dataset,
        CASE WHEN is_lograge AND h.time = '' THEN moment((json_field(pairs, ['@timestamp', 'timestamp', 'time'])).value) END AS own,
        CASE WHEN trace IS NOT NULL THEN exception_of(trace) END AS e,
        CASE WHEN b.method <> '' THEN b.target WHEN is_lograge THEN (json_field(pairs, ['path'])).value END AS target,
        coalesce(nullif(c.status, ''), (json_field(pairs, ['status'])).value) AS status,
        coalesce(nullif(c.duration, ''), (json_field(pairs, ['duration'])).value) AS duration
    FROM processed
)
SELECT
    origin, logged AS raw, dataset,
    CASE WHEN h.time <> '' AND m.time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 2026-11-22T13:04:05.123456'
         WHEN is_block AND b.time = '' THEN 'time: none behind the address; expected at 2026-11-22 13:04:05 +0900'
         WHEN is_block AND m.time IS NULL THEN 'time: ' || left(b.time, 60) || ' is not a time; expected 2026-11-22 13:04:05 +0900'
         WHEN h.time = '' AND is_lograge AND own.time IS NULL AND origin.wrapper_time IS NULL THEN 'time: none; expected Logger''s prefix, time= or a wrapped line'
         WHEN h.time = '' AND NOT is_block AND NOT is_lograge THEN app_text_no_time(raw, 'Started GET "/", method=GET path=/ or I, [2026-11-22T13:04:05.123456 #1]  INFO -- : message') END AS reject_reason,
    coalesce(m.time, own.time) AS event_time,
    coalesce(CASE WHEN m.time IS NOT NULL THEN m.basis END, own.basis) AS time_basis,
    CASE WHEN (is_block AND completed_at = 0) OR (dataset = 'web_access' AND try_cast(status AS SMALLINT) IS NULL) THEN 'partial' ELSE 'ok' END AS parse_status,
    CASE WHEN dataset = 'web_access' THEN coalesce(nullif(b.client, ''), (json_field(pairs, ['remote_ip', 'ip', 'client_ip'])).value) END AS client_address,
    CASE WHEN dataset = 'web_access' THEN coalesce(nullif(b.method, ''), (json_field(pairs, ['method'])).value) END AS http_request_method,
    CASE WHEN dataset = 'web_access' THEN url_path_of(target) END AS url_path,
    CASE WHEN dataset = 'web_access' THEN url_query_of(target) END AS url_query,
    CASE WHEN dataset = 'web_access' THEN (json_field(pairs, ['host'])).value END AS server_address,
    CASE WHEN dataset = 'web_access' THEN try_cast(status AS SMALLINT) END AS http_response_status_code,
    CASE WHEN dataset = 'web_access' THEN round(measured(try_cast(duration AS DOUBLE)), 6) END AS duration_ms,
    CASE WHEN dataset = 'app_log' THEN nullif(h.level, '') END AS severity_text,
    CASE WHEN dataset = 'app_log' THEN nullif(trim(h.program), '') END AS logger_name,
    CASE WHEN dataset = 'app_log' THEN try_cast(h.pid AS BIGINT) END AS process_pid,
    CASE WHEN dataset = 'app_log' THEN CASE WHEN h.time = '' THEN raw WHEN tags <> '' AND contains(text, chr(10)) THEN trim(replace(text, chr(10) || tags, chr(10)), chr(10) || ' ') ELSE text END END AS body,
    attributes_of(list_filter(list_concat([
        {'key': 'request_id', 'value': coalesce(list_filter(tag_list, lambda tag: regexp_matches(tag, '^[0-9a-f]{8}-?[0-9a-f-]{23,27}$'))[1], (json_field(pairs, ['request_id'])).value)},
        {'key': 'tags', 'value': nullif(array_to_string(list_filter(tag_list, lambda tag: NOT regexp_matches(tag, '^[0-9a-f]{8}-?[0-9a-f-]{23,27}$')), ' '), '')},
        {'key': 'controller', 'value': coalesce(nullif(p.controller, ''), nullif(p.controller2, ''), (json_field(pairs, ['controller'])).value)},
        {'key': 'action', 'value': coalesce(nullif(p.action, ''), nullif(p.action2, ''), (json_field(pairs, ['action'])).value)},
        {'key': 'format', 'value': coalesce(nullif(p.format, ''), nullif(p.format2, ''), (json_field(pairs, ['format'])).value)},
        {'key': 'parameters', 'value': CASE WHEN is_block THEN nullif(regexp_extract(raw, '\n(?:\[[^\]\n]*\] )*  Parameters: ([^\n]*)', 1), '') END},
        {'key': 'template', 'value': nullif(r.template, '')},
        {'key': 'layout', 'value': nullif(r.layout, '')},
        {'key': 'redirected_to', 'value': CASE WHEN is_block THEN nullif(regexp_extract(raw, '\n(?:\[[^\]\n]*\] )*Redirected to ([^\n]*)', 1), '') END},
        {'key': 'view_ms', 'value': coalesce(app_text_timing(c.timings, 'Views'), (json_field(pairs, ['view'])).value)},
        {'key': 'db_ms', 'value': coalesce(app_text_timing(c.timings, 'ActiveRecord'), (json_field(pairs, ['db'])).value)},
        {'key': 'allocations', 'value': coalesce(app_text_timing(c.timings, 'Allocations'), (json_field(pairs, ['allocations'])).value)},
        {'key': 'gc_ms', 'value': app_text_timing(c.timings, 'GC')},
        {'key': 'http_response_status_code', 'value': CASE WHEN dataset = 'app_log' THEN status END},
        {'key': 'duration_ms', 'value': CASE WHEN dataset = 'app_log' THEN duration END},
        {'key': 'http_request_method', 'value': CASE WHEN dataset = 'app_log' THEN nullif(b.method, '') END},
        {'key': 'url', 'value': CASE WHEN dataset = 'app_log' THEN target END},
        {'key': 'client_address', 'value': CASE WHEN dataset = 'app_log' THEN nullif(b.client, '') END},
        {'key': 'level', 'value': CASE WHEN dataset = 'web_access' THEN nullif(h.level, '') END},
        {'key': 'process_pid', 'value': CASE WHEN dataset = 'web_access' THEN nullif(h.pid, '') END},
        {'key': 'exception_type', 'value': nullif(e.type, '')},
        {'key': 'exception_message', 'value': nullif(e.message, '')},
        {'key': 'exception_stacktrace', 'value': trace},
        {'key': 'further_lines', 'value': CASE WHEN is_block THEN nullif(trim(regexp_replace(regexp_replace(
            CASE WHEN trace IS NULL THEN raw ELSE left(raw, length(raw) - length(trace)) END,
            '(?m)^' || regexp_escape(tags) || '(?:Started [A-Z]+ "|Processing by |  Parameters: |  Render(?:ed|ing) |Completed |Redirected to )[^\n]*\n?', '', 'g'), '(?m)^(?:\[[^\]\n]*\] )*\s*\n', '', 'g'), chr(10) || ' '), '') END}],
        list_filter(pairs, lambda pair: NOT list_contains(['method', 'path', 'format', 'controller', 'action', 'status', 'duration', 'view', 'db', 'allocations', 'remote_ip', 'ip', 'client_ip', 'host', 'request_id', 'time', 'timestamp', '@timestamp'], pair.key)
            AND dash_null(pair.value) IS NOT NULL)), lambda entry: entry.value IS NOT NULL)) AS attributes
FROM timed
