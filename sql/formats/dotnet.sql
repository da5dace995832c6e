-- title: .NET: Microsoft.Extensions.Logging's console, Serilog, NLog and log4net
-- dataset: app_log
-- record_start: ^(?:\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d[\d.,:+ZTt-]*(?: [+-]\d\d:?\d\d)?\]?:? ?)?(?:trce|dbug|info|warn|fail|crit): |^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^\[\d\d:\d\d:\d\d(?:\.\d+)? (?:VRB|DBG|INF|WRN|ERR|FTL)\]
-- detect: ^(?:\[?[\d:.,TZ+ -]{8,40}\]?:? ?)?(?:trce|dbug|info|warn|fail|crit): \S+.*\[-?\d+\]|^\[?[\d:.,TZ+ -]{8,40}\]?(?: [\w:-]{1,40})? ?[ \[](?:VRB|DBG|INF|WRN|ERR|FTL|Verbose|Debug|Information|Warning|Error|Fatal)\] |^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\|(?:\d*\|)?[A-Za-z]+\||^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[[^\]]*\] [A-Z]+ +\S+ \[[^\]]*\] - |^ +at .* in .*:line \d+
-- priority: 61
-- sample: 2026-11-22 13:04:05.123 +09:00 [INF] added 3 items
-- limits: the Microsoft console has no time unless TimestampFormat gives one with the date; without it lines are read only inside a container's wrapper; so does Serilog's [13:04:05 INF], which has no date
WITH headed AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw,
        -- Microsoft's console: info: Category[event id], the message in the lines below or, single-line, behind it
        regexp_extract(raw, '^(?:\[?(' || app_text_iso() || ')\]?:? ?)?(trce|dbug|info|warn|fail|crit): ([^\r\n]+?)\[(-?\d+)\](?: ([^\r\n]*))?(?:[\r\n]|$)', ['time', 'level', 'logger', 'event', 'message']) AS k
    FROM records
), others AS (
    SELECT *, CASE
        WHEN k.level <> '' THEN NULL
        WHEN regexp_matches(raw, '^' || app_text_iso() || '\|')
        THEN regexp_extract(raw, '^(' || app_text_iso() || ')\|(?:(\d*)\|)?([A-Za-z]+)\|([^|\r\n]*)\|()()([^\r\n]*)', ['time', 'event', 'level', 'logger', 'thread', 'context', 'message'])
        WHEN regexp_matches(raw, '^' || app_text_iso() || ' \[[^\]]*\] (?:ALL|DEBUG|INFO|WARN|ERROR|FATAL|TRACE|NOTICE|ALERT|CRITICAL|EMERGENCY|SEVERE|VERBOSE|FINE) +\S+ (?:\[[^\]]*\] )?- ')
        THEN regexp_extract(raw, '^(' || app_text_iso() || ')() \[([^\]]*)\] ([A-Z]+) +(\S+) (?:\[([^\]]*)\] )?- ([^\r\n]*)', ['time', 'event', 'thread', 'level', 'logger', 'context', 'message'])::STRUCT("time" VARCHAR, event VARCHAR, "level" VARCHAR, logger VARCHAR, thread VARCHAR, context VARCHAR, message VARCHAR)
        -- Serilog: time [LEVEL] [SourceContext] message; its console has no date
        ELSE regexp_extract(raw, '^\[?(' || app_text_iso() || '|\d\d:\d\d:\d\d(?:\.\d{1,7})?)\]?()(?: +([^\s\[\]]+))?[ \[]{1,3}(VRB|DBG|INF|WRN|ERR|FTL|vrb|dbg|inf|wrn|err|ftl|Verbose|Debug|Information|Warning|Error|Fatal|VERBOSE|DEBUG|INFORMATION|WARNING|ERROR|FATAL)\] (?:\[([\w`+]+(?:\.[\w`+]+)+)\] |<s:([^>]*)> )?([^\r\n]*)', ['time', 'event', 'context', 'level', 'logger', 'thread', 'message'])::STRUCT("time" VARCHAR, event VARCHAR, "level" VARCHAR, logger VARCHAR, thread VARCHAR, context VARCHAR, message VARCHAR)
        END AS o
    FROM headed
), read AS (
    SELECT *, k.level <> '' AS is_console,
        -- Serilog's other way to write the source, <s:Source>, comes in the thread's place
        o.thread <> '' AND regexp_matches(raw, '\] <s:') AS is_source,
        nullif(CASE WHEN k.level <> '' THEN k.time WHEN length(o.time) > 18 THEN o.time ELSE '' END, '') AS time_text,
        -- Serilog's file extension writes the request's id before the level
        length(o.level) = 3 AS is_serilog,
        CASE WHEN k.level <> '' THEN k.level ELSE nullif(o.level, '') END AS level,
        CASE WHEN k.level <> '' AND contains(raw, chr(10)) THEN regexp_replace(rtrim(raw[instr(raw, chr(10)) + 1:]), '(?m)^ {6}', '', 'g') ELSE '' END AS below
    FROM others
), scoped AS (
    SELECT *, CASE WHEN starts_with(below, '=> ') THEN split_part(below, chr(10), 1) END AS scope,
        CASE WHEN o.event <> '' THEN regexp_extract(raw, '\|url: ([^|\r\n]*)\|action: ([^|\r\n]*)\|?\s*$', ['url', 'action']) END AS web,
        iso_parts(time_text) AS parts
    FROM read
), timed AS (
    SELECT *, iso_time(parts, getvariable('zone')) AS event_time,
        CASE WHEN level IS NULL THEN raw
             WHEN is_console THEN concat_ws(chr(10), nullif(k.message, ''), nullif(CASE WHEN scope IS NULL THEN below WHEN contains(below, chr(10)) THEN below[length(scope) + 2:] END, ''))
             WHEN o.event <> '' THEN rtrim(regexp_replace(app_text_body(o.message, raw), '\|url: [^|\n]*\|action: [^|\n]*\|?\s*$', ''))
             ELSE app_text_body(o.message, raw) END AS body
    FROM scoped
)
SELECT
    origin, logged AS raw,
    CASE WHEN level IS NOT NULL AND time_text IS NULL AND origin.wrapper_time IS NULL AND NOT is_console THEN 'time: ' || left(raw, 20) || ' has no date; expected 2026-11-22 13:04:05.123 +09:00'
         WHEN level IS NOT NULL AND time_text IS NULL AND origin.wrapper_time IS NULL
         THEN 'time: none; expected 2026-11-22 13:04:05 before the level (TimestampFormat), since only a wrapped line has another time'
         WHEN level IS NULL AND regexp_matches(raw, '^\[?\d\d:\d\d:\d\d') THEN 'time: ' || left(raw, 20) || ' has no date; expected 2026-11-22 13:04:05.123 +09:00'
         WHEN level IS NULL AND NOT regexp_matches(raw, '^\[?' || app_text_iso()) THEN app_text_no_time(raw, '2026-11-22 13:04:05.123 +09:00 [INF] message')
         WHEN level IS NULL THEN 'level: none after the time; expected [INF], |INFO|, info: or [thread] INFO logger -'
         WHEN time_text IS NOT NULL AND event_time IS NULL THEN 'time: ' || left(time_text, 60) || ' is not a time; expected 2026-11-22 13:04:05.123 +09:00' END AS reject_reason,
    event_time,
    iso_basis(parts, getvariable('zone')) AS time_basis,
    CASE WHEN level IS NULL THEN 'partial' ELSE 'ok' END AS parse_status,
    level AS severity_text,
    CASE WHEN is_console THEN k.logger WHEN is_source THEN o.thread ELSE nullif(o.logger, '') END AS logger_name,
    CASE WHEN NOT is_source THEN nullif(o.thread, '') END AS thread_name,
    app_text_id(regexp_extract(scope, '\bTraceId:([0-9a-f]{32})', 1)) AS trace_id,
    app_text_id(regexp_extract(scope, '\bSpanId:([0-9a-f]{16})', 1)) AS span_id,
    body,
    attributes_of([
        {'key': 'event_id', 'value': CASE WHEN is_console THEN nullif(k.event, '0') ELSE nullif(nullif(o.event, ''), '0') END},
        {'key': 'scope', 'value': scope[4:]},
        {'key': CASE WHEN is_serilog THEN 'request_id' ELSE 'context' END, 'value': nullif(nullif(o.context, ''), '(null)')},
        {'key': 'url', 'value': nullif(web.url, '')},
        {'key': 'action', 'value': nullif(web.action, '')}]) AS attributes
FROM timed
