-- title: Java application log of logback or log4j, with stack traces
-- dataset: app_log
-- record_start: ^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|^\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL) *\]?\s+\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|^\d\d:\d\d:\d\d[.,]\d{3} +(?:\[|(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) )|^\d\d/\d\d/\d\d \d\d:\d\d:\d\d (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) |^\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d
-- detect: \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^\d\d/\d\d/\d\d \d\d:\d\d:\d\d [A-Z]|^\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d
-- priority: 40
-- sample: 2026-11-22 13:04:05.123 [main] ERROR com.example.Shop - payment 42 failed
-- limits: date and time, thread and context in brackets, level and logger may come in any usual order; times without an offset are in the source's zone; a time without a date is rejected
WITH headed AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw,
        regexp_extract(raw,
            '^\[?(\d{4}-\d\d-\d\d[T ][\d:.,]+(?: ?(?:Z|[+-]\d\d:?\d\d))?)\]?\s+([^\r\n]*)', ['time', 'rest']) AS h
    FROM records
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
            '^(?:\[([^\[\]=,]*)\]\s+)?(' || app_text_java_levels() || ')\s+(?:\[([^\[\]=,]*)\]:?\s+)?([\w$][\w$.\[\]/-]*)\s*(?: - |: )(.*)$',
            ['thread', 'level', 'thread_after', 'logger', 'message']) AS f
    FROM placed
), careful AS (
    SELECT *, CASE WHEN f.level = '' THEN regexp_extract(text,
            '^(?:[-|] *)?((?:' || app_text_bracket() || '\s*)*)(' || app_text_java_levels() || ')\b\s*(?:[|:-] +)?((?:' || app_text_bracket() || ':?\s*)*)(.*)$',
            ['before', 'level', 'after', 'rest']) END AS c
    FROM fast
), spring AS (
    SELECT *, CASE WHEN c.level <> '' AND contains(c.rest, '--- ') THEN regexp_extract(c.rest,
            '^(\d+)?\s*---\s+(?:\[([^\]]*)\] )?\[([^\]]*)\]\s*(.*)$', ['pid', 'application', 'thread', 'rest']) END AS s,
        CASE WHEN c.level <> '' THEN app_text_brackets(c.before) END AS before, CASE WHEN c.level <> '' THEN app_text_brackets(c.after) END AS after
    FROM careful
), named AS (
    SELECT *, CASE WHEN c.level <> '' THEN regexp_extract(CASE WHEN s.rest <> '' THEN s.rest ELSE c.rest END,
            '^([\w$][\w$.\[\]/-]*)\s*(?:\(([^()]*(?:\([^()]*\))?[^()]*)\))?\s*(?: - |: )(.*)$', ['logger', 'caller', 'message']) END AS m,
        CASE WHEN c.level <> '' AND left(c.rest, 1) = '(' THEN regexp_extract(c.rest, '^\(([^()]*(?:\([^()]*\))*[^()]*)\) (.*)$', ['thread', 'message']) END AS j,
        list_concat(before, after) AS brackets
    FROM spring
), sorted AS (
    SELECT *,
        list_filter(brackets, lambda item: app_text_is_trace(item))[1] AS trace,
        -- JBoss: [logger] (thread); log4j's %c{1}:%L and the like: [logger:line] - message
        CASE WHEN j.message <> '' OR (left(c.rest, 2) = '- ' AND len(after) > 0) THEN after[-1] END AS bracketed_logger,
        list_filter(brackets, lambda item: item <> '' AND NOT contains(item, '=') AND NOT app_text_is_trace(item)) AS threads,
        list_filter(brackets, lambda item: contains(item, '=') AND NOT app_text_is_trace(item)) AS contexts,
        o.tomcat <> '' AND m.logger = '' AND j.message IS NULL AS is_tomcat
    FROM named
), timed AS (
    SELECT *, iso_time(parts, getvariable('zone')) AS event_time,
        CASE WHEN time_text = '' THEN raw
             ELSE app_text_body(CASE WHEN f.level <> '' THEN f.message WHEN c.level = '' THEN text WHEN m.logger <> '' THEN m.message
                                     WHEN j.message <> '' THEN j.message WHEN s.rest <> '' THEN s.rest
                                     WHEN is_tomcat AND contains(c.rest, ' ') THEN c.rest[instr(c.rest, ' ') + 1:]
                                     WHEN bracketed_logger IS NOT NULL THEN c.rest[3:] ELSE c.rest END, raw) END AS body
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
         WHEN is_tomcat THEN split_part(c.rest, ' ', 1) END AS logger_name,
    CASE WHEN f.level <> '' THEN coalesce(nullif(trim(f.thread), ''), nullif(trim(f.thread_after), ''))
         WHEN s.thread <> '' THEN nullif(trim(s.thread), '') WHEN j.message <> '' THEN nullif(j.thread, '')
         WHEN bracketed_logger IS NOT NULL AND threads[-1] = bracketed_logger AND len(threads) = 1 THEN NULL ELSE threads[1] END AS thread_name,
    try_cast(s.pid AS BIGINT) AS process_pid,
    app_text_trace_id(trace) AS trace_id,
    app_text_span_id(trace) AS span_id,
    body,
    CASE WHEN len(brackets) > 0 OR m.caller <> '' THEN attributes_of([
        {'key': 'context', 'value': nullif(array_to_string(contexts, ' '), '')},
        {'key': 'line', 'value': nullif(regexp_extract(bracketed_logger, '[:@](\d+)$', 1), '')},
        {'key': 'caller', 'value': nullif(m.caller, '')}]) ELSE no_attributes() END AS attributes
FROM timed
