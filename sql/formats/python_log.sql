-- title: Python's logging in its usual forms (logging, Celery, Flask, Django, gunicorn, Airflow, Scrapy, loguru, structlog, OpenStack), with tracebacks
-- dataset: app_log
-- record_start: ^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^\d{8}\.\d{6},\d|^\[?\d\d/(?:\d\d|[A-Z][a-z]{2})/\d{4} \d\d:\d\d:\d\d|^\[?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\]?[\s:]|^\[[DIWEC] (?:(?:\d{6}|\d{4}-\d\d-\d\d) )?\d\d:\d\d:\d\d
-- detect: ^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]*(?: ?[+-]\d\d:?\d\d|Z)?(?:(?:[\]\s:|-]+(?:\[[^\]]*\]|\{[^}]*\}|[\w.<>-]+))?[\]\s:|\[-]+(?:WARNING|CRITICAL)\b|\]? - (?:[\w.<>-]+ - )?(?:\[[^\]]*\] - )?(?:DEBUG|INFO|ERROR)\b|: ?(?:DEBUG|INFO|ERROR)[:/]|\]? \[\d+\] \[(?:DEBUG|INFO|ERROR)\]|\]? \[[\w.]+\] (?:DEBUG|INFO|ERROR): | \d+ (?:DEBUG|INFO|ERROR) |\] (?:DEBUG|INFO|ERROR) in \w| \| (?:DEBUG|INFO|ERROR|SUCCESS|TRACE) +\| \S+:\S+:\d+ - | \[(?:debug|info|warning|error|critical) *\] )|^\[\d{4}-\d\d-\d\d[^\]]*\] \{|^Traceback \(most recent call last\):|^\[?\d\d/(?:\d\d|[A-Z][a-z]{2})/\d{4} \d\d:\d\d:\d\d(?: [AP]M)?\]? +(?:- )?\[?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|^\[?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\]?[\s:]|^\[[DIWEC] (?:(?:\d{6}|\d{4}-\d\d-\d\d) )?\d\d:\d\d:\d\d|^\d{8}\.\d{6},\d
-- priority: 45
-- sample: 2026-11-22 13:04:05,123 - shop.cart - ERROR - payment 42 failed
-- limits: LEVEL:logger:message and others without a time are read only inside a container's wrapper, which has one; in a form without a logger the first words of a message that end with a colon may be taken for it
WITH headed AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw, left(raw, 1) AS opening,
        regexp_extract(raw, '^\[?(' || app_text_iso() || '|\d{8}\.\d{6},\d{1,6}|\d\d/(?:\d\d|[A-Z][a-z]{2})/\d{4} \d\d:\d\d:\d\d(?: [AP]M)?)([^\r\n]*)', ['time', 'rest']) AS h
    FROM records
), shaped AS (
    SELECT *,
        -- what stands between the time and the level, the level, and what follows it
        CASE WHEN h.time <> '' THEN regexp_extract(h.rest,
            '^(?:\]?\s+- (?:([^\n]*?) - )?(?:\[([^\]]*)\] - )?|\]?\s*\[?(\d+)\]\s*\[?|\]?\s*\[([\w.-]+)\s*(?::\d+)?\s*\]\s*\[?|: |\] \{([^}]*)\} |\s*[|:]\s*| (\d+) |\] |\s+\[|\s+([A-Za-z_][\w.]*):?\s+|\s+)(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL|TRACE|SUCCESS|NOTSET)\b\s*(\]?)(.*)$',
            ['name', 'place', 'worker', 'bracket', 'file', 'pid', 'word', 'level', 'closing', 'rest'])
        END AS s,
        -- structlog: [level    ] event   key=value …
        CASE WHEN h.time <> '' THEN regexp_extract(h.rest, '^\s+\[(debug|info|warning|warn|error|exception|critical|notset) *\]\s+(.*?)(?:\s+\[([\w.]+)\])?((?:\s+[A-Za-z_][\w.]*=(?:''[^'']*''|"(?:[^"\\]|\\.)*"|\S+))*)\s*$', ['level', 'event', 'logger', 'pairs']) END AS st,
        -- the level comes first: Django's verbose form, AWS Lambda, Tornado and Jupyter, and logging's own without a time
        CASE WHEN h.time = '' THEN regexp_extract(raw,
            '^\[?([A-Z]+)\]?(?:[ \t]+|:)(?:(' || app_text_iso() || '|\d{6} \d\d:\d\d:\d\d|\d\d:\d\d:\d\d\.\d{3})[ \t]+)?([^\r\n]*)', ['level', 'time', 'rest'])
        END AS l
    FROM headed
), judged AS (
    SELECT *, l.level IS NOT NULL AND list_contains(['D', 'I', 'W', 'E', 'C', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'], l.level)
            AND (l.time <> '' OR length(l.level) > 1) AND NOT regexp_matches(l.rest, '^\[?\d{4}-\d\d-\d\d[T ]') AS level_first,
        CASE WHEN st.level <> '' THEN st.event WHEN h.time <> '' THEN s.rest ELSE l.rest END AS text
    FROM shaped
), named AS (
    SELECT *,
        CASE WHEN h.time <> '' THEN CASE
                -- Celery: [time: LEVEL/process] message
                WHEN opening = '[' AND left(text, 1) = '/' THEN regexp_extract(text, '^()()/([^\]]*)\]() ?(.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                -- OpenTelemetry: [name] [file:line] [trace_id=… span_id=…] - message
                WHEN contains(text, 'trace_id=') AND left(ltrim(text), 1) = '[' THEN regexp_extract(text, '^\s*\[([^\]]*)\] \[([^\]]*)\] \[([^\]]*)\]() - (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                -- Flask: LEVEL in module: message
                WHEN opening = '[' AND regexp_matches(text, '^in [\w.]+: ') THEN regexp_extract(text, '^in ([\w.]+)()()(): (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                -- loguru: LEVEL | module:function:line - message
                WHEN regexp_matches(text, '^\| [^\s|]+:[^\s|]+:\d+ - ') THEN regexp_extract(text, '^\| ([^\s|:]+):([^\s|]+)()() - (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                -- Salt: [LEVEL][pid] message
                WHEN s.closing <> '' AND regexp_matches(text, '^\[\d+\]') THEN regexp_extract(text, '^()()()\[(\d+)\] (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                -- oslo: pid LEVEL name [context] message
                WHEN s.pid <> '' THEN regexp_extract(text, '^\s*([\w.]+)()(?: \[([^\]]*)\])?()(?: (.*))?$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN st.level <> '' THEN regexp_extract(text, '^()()()()(.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                -- [name:line] or [dotted.name], and then perhaps [thread]
                WHEN regexp_matches(text, '^\s*\[[A-Za-z_][\w-]*(?:(?:\.[\w-]+)+|(?:\.[\w-]+)*:\d+)\]')
                THEN regexp_extract(text, '^\s*\[([\w.-]+)(?::(\d+))?\](?:\[([^\]]*)\])?()\s*(?:- )?(.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                -- LEVEL | name | message, and a qualified class without a colon
                WHEN regexp_matches(text, '^\s*\| [\w.-]+ \| ') THEN regexp_extract(text, '^\s*\| ([\w.-]+)()()() \| (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN regexp_matches(text, '^ *(?:[a-z_]\w*\.)+[A-Z]\w* ') THEN regexp_extract(text, '^ *(\S+)()()() +(.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN s.bracket <> '' AND regexp_matches(text, '^\s*[A-Za-z_][\w.]* - ') THEN regexp_extract(text, '^\s*([\w.]+)()()() - (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN s.name <> '' OR s.bracket <> '' OR s.file <> '' OR s.word <> '' OR (s.worker <> '' AND s.closing <> '') THEN regexp_extract(text, '^()()()()(?:\s*[-:|] ?|\s+)?(.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN regexp_matches(text, '^\s*(?:[-:|] ?)?[\w.-]*[\w.](?:: | - )|^:[\w.-]+:')
                THEN regexp_extract(text, '^(?:\s*[-:|])?\s*([\w.-]*[\w.])()()()(?:: ?| - )(.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                ELSE regexp_extract(text, '^()()()()(?:\s*[-:|] ?|\s+)?(.*)$', ['logger', 'file', 'process', 'pid', 'message']) END
             WHEN level_first THEN CASE
                WHEN length(l.level) = 1 THEN regexp_extract(text, '^([\w.-]+)(?::(\d+))?()()\] (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN contains(raw, ']' || chr(9)) THEN regexp_extract(text, '^()()(\S+)()\t(.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN regexp_matches(text, '^[\w.]+ \d+ \d+ ') THEN regexp_extract(text, '^([\w.]+)() (\d+ \d+)() (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN l.time <> '' THEN regexp_extract(text, '^(?:([\w.-]+)(?:: | - | ))?()()()(.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                WHEN regexp_matches(text, '^\[[A-Za-z_][\w-]*(?:\.[\w-]+)+\] ') THEN regexp_extract(text, '^\[([\w.-]+)\]()()() (.*)$', ['logger', 'file', 'process', 'pid', 'message'])
                ELSE regexp_extract(text, '^(?:([\w.-]+):|\s*)()()()(.*)$', ['logger', 'file', 'process', 'pid', 'message']) END
        END AS n
    FROM judged
), placed AS (
    SELECT *,
        CASE WHEN h.time <> '' THEN regexp_replace(h.time, '^(\d{4})(\d\d)(\d\d)\.(\d\d)(\d\d)(\d\d)', '\1-\2-\3 \4:\5:\6')
             WHEN length(l.level) = 1 AND length(l.time) = 15 THEN regexp_replace(l.time, '^(\d\d)(\d\d)(\d\d)', '20\1-\2-\3')
             WHEN level_first AND length(l.time) > 12 THEN l.time ELSE '' END AS time_text,
        CASE WHEN st.level <> '' THEN st.level WHEN h.time <> '' THEN s.level WHEN level_first THEN l.level ELSE '' END AS level,
        CASE WHEN h.time = '' AND level_first AND regexp_full_match(n.process, '\d+ \d+') THEN split_part(n.process, ' ', 1) END AS django_pid
    FROM named
), timed AS (
    SELECT *, iso_parts(time_text) AS parts, coalesce(nullif(s.file, ''), nullif(s.place, ''), nullif(n.file, '')) AS place FROM placed
), dated AS (
    SELECT *, CASE WHEN parts.date = '' AND contains(time_text, '/') THEN moment(time_text) END AS m FROM timed
), clocked AS (
    SELECT *, coalesce(iso_time(parts, getvariable('zone')), m.time) AS event_time FROM dated
)
SELECT
    origin, logged AS raw,
    CASE WHEN time_text = '' AND NOT (level_first AND origin.wrapper_time IS NOT NULL) THEN CASE WHEN level_first
              THEN 'time: none; expected 2026-11-22 13:04:05,123 beside the level, since only a wrapped line has another time'
              ELSE app_text_no_time(raw, '2026-11-22 13:04:05,123') END
         WHEN time_text <> '' AND event_time IS NULL THEN 'time: ' || left(time_text, 60) || ' is not a time; expected 2026-11-22 13:04:05,123'
         WHEN level = '' THEN 'level: none of Python''s after the time; expected DEBUG, INFO, WARNING, ERROR or CRITICAL' END AS reject_reason,
    event_time,
    coalesce(m.basis, iso_basis(parts, getvariable('zone'))) AS time_basis,
    CASE WHEN level = '' THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(regexp_extract(n.process, 'resource\.service\.name=(\S+)', 1), '') AS service_name,
    nullif(level, '') AS severity_text,
    coalesce(nullif(n.logger, ''), nullif(st.logger, ''), nullif(s.name, ''), nullif(s.bracket, ''), nullif(s.word, '')) AS logger_name,
    CASE WHEN opening = '[' AND left(text, 1) = '/' THEN nullif(n.process, '')
         WHEN regexp_matches(text, '^\s*\[[\w.-]+(?::\d+)?\]\[') THEN nullif(n.process, '')
         WHEN s.bracket <> '' AND n.logger <> '' THEN s.bracket END AS thread_name,
    try_cast(coalesce(nullif(s.worker, ''), nullif(s.pid, ''), nullif(n.pid, ''), django_pid) AS BIGINT) AS process_pid,
    app_text_id(regexp_extract(n.process, 'trace_id=([0-9a-f]+)', 1)) AS trace_id,
    app_text_id(regexp_extract(n.process, 'span_id=([0-9a-f]+)', 1)) AS span_id,
    CASE WHEN level = '' THEN raw ELSE app_text_body(n.message, raw) END AS body,
    CASE WHEN level = '' THEN no_attributes() ELSE attributes_of(list_concat([
        {'key': CASE WHEN contains(place, '.') THEN 'file' ELSE 'function' END, 'value': nullif(regexp_replace(place, ':?\d+$', ''), '')},
        {'key': 'line', 'value': nullif(regexp_extract(place, '(?:^|:)(\d+)$', 1), '')},
        {'key': 'context', 'value': CASE WHEN s.pid <> '' THEN dash_null(n.process) END},
        {'key': 'request_id', 'value': CASE WHEN time_text <> '' AND contains(raw, ']' || chr(9)) AND level_first THEN nullif(n.process, '') END},
        {'key': 'thread', 'value': CASE WHEN django_pid IS NOT NULL THEN split_part(n.process, ' ', 2) END}],
        CASE WHEN st.pairs <> '' THEN list_transform(regexp_extract_all(st.pairs, '[A-Za-z_][\w.]*=(?:''[^'']*''|"(?:[^"\\]|\\.)*"|\S+)'),
            lambda pair: {'key': split_part(pair, '=', 1), 'value': trim(pair[instr(pair, '=') + 1:], '"''')}) END)) END AS attributes
FROM clocked
