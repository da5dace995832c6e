-- title: Java application log of logback, log4j or java.util.logging, with stack traces
-- dataset: app_log
-- record_start: ^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|^\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL) *\]?\s+\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|^\d\d:\d\d:\d\d[.,]\d{3} +(?:\[|(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) )|^\d\d/\d\d/\d\d \d\d:\d\d:\d\d (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) |^\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d|^[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d\W{0,3}[AP]M 
-- detect: \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d\W{0,3}[AP]M [\w$.]+|^\d\d/\d\d/\d\d \d\d:\d\d:\d\d [A-Z]|^\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d
-- priority: 40
-- sample: 2026-11-22 13:04:05.123 [main] ERROR com.example.Shop - payment 42 failed
-- limits: date and time, thread and context in brackets, level and logger may come in any usual order; times without an offset are in the source's zone; a time without a date is rejected
WITH lined AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw FROM records
), told AS (
    -- java.util.logging says time, class and method in a line before the message; Dropwizard marks the lines of a trace
    SELECT origin, logged, CASE
        WHEN regexp_matches(raw, '^[A-Z][a-z]{2} \d{1,2}, \d{4} ') THEN coalesce(app_text_jul(regexp_extract(raw,
            '^([A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d)\W{0,3}([AP]M) ([^\s]+)(?: ([^\n]*))?\n([A-Z]+): ([\s\S]*)$', ['time', 'half', 'logger', 'method', 'level', 'rest'])), raw)
        WHEN contains(raw, chr(10) || '! ') THEN regexp_replace(replace(raw, chr(10) || '! at ', chr(10) || chr(9) || 'at '), '(?m)^! ?', '', 'g')
        ELSE raw END AS raw
    FROM lined
), headed AS (
    SELECT *, regexp_extract(raw,
            '^\[?(\d{4}-\d\d-\d\d[T ][\d:.,]+(?: ?(?:Z|[+-]\d\d:?\d\d))?)(?:\]\s*|\s+)([^\r\n]*)', ['time', 'rest']) AS h
    FROM told
), odd AS (
    -- the level before the time (log4j2, Dropwizard), yy/MM/dd (Hadoop, Spark), 22-Nov-2026 (Tomcat)
    SELECT *, CASE WHEN h.time = '' THEN regexp_extract(raw,
            '^(?:\[?(' || app_text_java_levels() || ')\s*\]?\s+\[?(' || app_text_iso() || ')\]?|(\d\d/\d\d/\d\d \d\d:\d\d:\d\d)|(\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?))\s+([^\r\n]*)',
            ['level', 'time', 'hadoop', 'tomcat', 'rest']) END AS o
    FROM headed
), placed AS (
    SELECT *,
        CASE WHEN o.hadoop <> '' THEN '20' || replace(o.hadoop, '/', '-')
             WHEN o.tomcat <> '' THEN o.tomcat[8:11] || '-' || lpad(month_number(o.tomcat[4:6]), 2, '0') || '-' || o.tomcat[1:2] || o.tomcat[12:]
             WHEN o.time <> '' THEN o.time ELSE h.time END AS time_text,
        CASE WHEN o.level <> '' THEN o.level || ' ' || o.rest WHEN o.rest <> '' THEN o.rest ELSE h.rest END AS text
    FROM odd
), fast AS (
    SELECT *, iso_parts(time_text) AS parts, regexp_extract(text,
            '^(?:\[([^\[\]=,]*)\]\s+)?(' || app_text_java_levels() || ')\s+(?:\[([^\[\]=,]*)\]:?\s+)?([\w$][\w$.\[\]/#-]*)\s*(?: - |: )(.*)$',
            ['thread', 'level', 'thread_after', 'logger', 'message']) AS f
    FROM placed
), careful AS (
    SELECT *, CASE WHEN f.level = '' THEN regexp_extract(text,
            '^(?:[-|] *)?((?:' || app_text_bracket() || '\s*)*?)(?:([\w.#@$-]+) +)?\[?\s*(' || app_text_java_levels() || ')\s*(?:\]|\b)\s*(?:[|:-] +)?((?:' || app_text_bracket() || ':?\s*)*)(.*)$',
            ['before', 'word', 'level', 'after', 'rest']) END AS c
    FROM fast
), spring AS (
    SELECT *, CASE WHEN c.level <> '' AND contains(c.rest, '--- ') THEN regexp_extract(c.rest,
            '^(\d+)?\s*---\s+(?:\[([^\]]*)\] )?\[([^\]]*)\]\s*(.*)$', ['pid', 'application', 'thread', 'rest']) END AS s,
        CASE WHEN c.level <> '' THEN app_text_brackets(c.before) END AS before, CASE WHEN c.level <> '' THEN app_text_brackets(c.after) END AS after
    FROM careful
), named AS (
    SELECT *, CASE WHEN c.level <> '' THEN regexp_extract(CASE WHEN s.rest <> '' THEN s.rest ELSE c.rest END,
            '^(?:([\w$][\w$.\[\]/#-]*)|\{([\w$.-]+)\})(?::(\d+))?\s*(?:\(([^()]*(?:\([^()]*\))?[^()]*)\))?\s*(?: - |: )(.*)$', ['logger', 'braced', 'line', 'caller', 'message']) END AS m0,
        CASE WHEN c.level <> '' AND left(c.rest, 1) = '(' THEN regexp_extract(c.rest, '^\(([^()]*(?:\([^()]*\))*[^()]*)\) (.*)$', ['thread', 'message']) END AS j,
        CASE WHEN c.level <> '' AND regexp_matches(text, '^\| *[A-Z]+ *\| ') THEN app_text_piped(list_transform(string_split(c.rest, '|'), lambda part: trim(part))) END AS pipes
    FROM spring
), classed AS (
    -- a qualified class that no " - " follows: class:line message, class [context] - message, class message
    SELECT *, CASE WHEN c.level <> '' AND m0.message = '' AND m0.logger = '' AND m0.braced = '' AND j.message IS NULL AND NOT o.tomcat <> '' IS TRUE THEN regexp_extract(c.rest,
            '^(?:((?:[\w$-]+\.)+[\w$]+)(?::(\d+)\s*((?:' || app_text_bracket() || '\s*)*)(?:- |: ?|$|)|\s*((?:' || app_text_bracket() || '\s*)+)(?:- |: ?))|((?:[a-z_][\w$]*\.)+[A-Z][\w$]*)\s+)(.*)$',
            ['logger', 'line', 'context', 'context2', 'class', 'message']) END AS q
    FROM named
), merged AS (
    SELECT *, CASE WHEN pipes.logger IS NOT NULL THEN {'logger': pipes.logger, 'line': NULL, 'caller': NULL, 'message': pipes.message}
             WHEN m0.logger <> '' OR m0.braced <> '' THEN {'logger': concat(m0.logger, m0.braced), 'line': nullif(m0.line, ''), 'caller': nullif(m0.caller, ''), 'message': CASE WHEN m0.braced <> '' THEN ltrim(m0.message) ELSE m0.message END}
             WHEN q.logger <> '' OR q.class <> '' THEN {'logger': concat(q.logger, q.class), 'line': nullif(q.line, ''), 'caller': NULL, 'message': q.message}
             ELSE {'logger': '', 'line': NULL, 'caller': NULL, 'message': ''} END AS m,
        list_concat(before, after, CASE WHEN q.context <> '' OR q.context2 <> '' THEN app_text_brackets(concat(q.context, q.context2)) END) AS brackets
    FROM classed
), sorted AS (
    SELECT *,
        list_filter(brackets, lambda item: app_text_is_trace(item))[1] AS trace,
        -- JBoss: [logger] (thread); log4j's %c{1}:%L and the like: [logger:line] - message
        CASE WHEN j.message <> '' OR (left(c.rest, 2) = '- ' AND len(after) > 0) THEN after[-1]
             WHEN m.logger = '' AND len(after) > 0 AND NOT o.tomcat <> '' IS TRUE
             THEN list_filter(after, lambda item: regexp_full_match(item, '[A-Za-z_][\w$-]*(?:\.[A-Za-z_$][\w$-]*)+(?:[:@]\d+)?'))[-1] END AS bracketed_logger,
        list_filter(brackets, lambda item: item <> '' AND NOT contains(item, '=') AND NOT app_text_is_trace(item)) AS threads,
        list_filter(brackets, lambda item: contains(item, '=') AND NOT app_text_is_trace(item)) AS contexts,
        o.tomcat <> '' AND m.logger = '' AND j.message IS NULL AS is_tomcat
    FROM merged
), timed AS (
    SELECT *, iso_time(parts, getvariable('zone')) AS event_time,
        CASE WHEN time_text = '' THEN raw
             ELSE app_text_body(CASE WHEN f.level <> '' THEN f.message WHEN c.level = '' THEN text WHEN m.logger <> '' THEN m.message
                                     WHEN j.message <> '' THEN j.message WHEN s.rest <> '' THEN s.rest
                                     WHEN is_tomcat AND contains(c.rest, ' ') THEN c.rest[instr(c.rest, ' ') + 1:]
                                     WHEN bracketed_logger IS NOT NULL AND left(c.rest, 2) = '- ' THEN c.rest[3:] ELSE c.rest END, raw) END AS body
    FROM sorted
)
SELECT
    origin, logged AS raw,
    CASE WHEN time_text = '' AND regexp_matches(raw, '^\d\d:\d\d:\d\d')
         THEN 'time: ' || left(split_part(raw, ' ', 1), 30) || ' has no date; expected 2026-11-22 13:04:05.123'
         WHEN time_text = '' THEN 'time: none at the start; expected 2026-11-22 13:04:05.123'
         WHEN event_time IS NULL THEN 'time: ' || left(time_text, 60) || ' is not a time; expected 2026-11-22 13:04:05.123' END AS reject_reason,
    event_time,
    iso_basis(parts, getvariable('zone')) AS time_basis,
    CASE WHEN f.level = '' AND c.level = '' THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(trim(s.application), '') AS service_name,
    coalesce(nullif(f.level, ''), nullif(c.level, '')) AS severity_text,
    CASE WHEN f.level <> '' THEN f.logger WHEN m.logger <> '' THEN m.logger
         WHEN bracketed_logger IS NOT NULL THEN nullif(regexp_replace(bracketed_logger, '^([\w$.]+)[:@]\d+$', '\1'), '')
         WHEN is_tomcat THEN split_part(c.rest, ' ', 1)
         WHEN regexp_matches(c.word, '^(?:root|__main__)$|[^.]\.[^.]') THEN c.word END AS logger_name,
    CASE WHEN f.level <> '' THEN coalesce(nullif(trim(f.thread), ''), nullif(trim(f.thread_after), ''))
         WHEN s.thread <> '' THEN nullif(trim(s.thread), '') WHEN j.message <> '' THEN nullif(j.thread, '')
         WHEN pipes.thread IS NOT NULL THEN pipes.thread
         WHEN bracketed_logger IS NOT NULL THEN list_filter(threads, lambda item: item <> bracketed_logger)[1]
         WHEN c.word <> '' AND NOT regexp_matches(c.word, '^(?:root|__main__)$|[^.]\.[^.]') THEN c.word ELSE threads[1] END AS thread_name,
    try_cast(s.pid AS BIGINT) AS process_pid,
    app_text_trace_id(trace) AS trace_id,
    app_text_span_id(trace) AS span_id,
    body,
    CASE WHEN len(brackets) > 0 OR m.caller <> '' OR m.line <> '' OR pipes.bundle IS NOT NULL THEN attributes_of([
        {'key': 'context', 'value': nullif(array_to_string(contexts, ' '), '')},
        {'key': 'line', 'value': coalesce(m.line, nullif(regexp_extract(bracketed_logger, '[:@](\d+)$', 1), ''))},
        {'key': 'bundle', 'value': pipes.bundle},
        {'key': 'caller', 'value': nullif(m.caller, '')}]) ELSE no_attributes() END AS attributes
FROM timed
