-- title: text logs of applications: times, levels, brackets, following lines
CREATE OR REPLACE MACRO app_text_lines(raw) AS CASE WHEN contains(raw, chr(13)) THEN replace(raw, chr(13) || chr(10), chr(10)) ELSE raw END;

-- the message of the first line and the lines after it
CREATE OR REPLACE MACRO app_text_body(message, raw) AS concat_ws(chr(10), message,
    CASE WHEN contains(raw, chr(10)) THEN nullif(rtrim(raw[instr(raw, chr(10)) + 1:]), '') END);

CREATE OR REPLACE MACRO app_text_iso() AS '\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?(?: ?(?:Z|[+-]\d\d:?\d\d))?';

CREATE OR REPLACE MACRO app_text_java_levels() AS 'TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|SEVERE|CONFIG|FINE|FINER|FINEST';

-- one [bracket] that may hold brackets, as elasticsearch[node][search][T#1] in [ ]
CREATE OR REPLACE MACRO app_text_bracket() AS '\[(?:[^\[\]]|\[[^\[\]]*\])*\]';

CREATE OR REPLACE MACRO app_text_brackets(text) AS list_transform(
    regexp_extract_all(text, app_text_bracket()), lambda item: trim(item[2:length(item) - 1]));

-- [traceId,spanId], [app,traceId,spanId,exported], [traceId-spanId], [trace_id=… span_id=…]; a zero or empty id is none
CREATE OR REPLACE MACRO app_text_trace_pattern() AS
    '^(?:[^,\s]*,)?([0-9a-fA-F]{16}|[0-9a-fA-F]{32})?[,-]([0-9a-fA-F]{16})?(?:,(?:true|false)?)?$|^[^=]*\btrace_?[iI]d=([0-9a-fA-F]*)\W+span_?[iI]d=([0-9a-fA-F]*)';

CREATE OR REPLACE MACRO app_text_is_trace(content) AS regexp_matches(content, app_text_trace_pattern());

CREATE OR REPLACE MACRO app_text_id(text) AS CASE WHEN NOT regexp_full_match(text, '0*') THEN text END;

CREATE OR REPLACE MACRO app_text_trace_id(content) AS coalesce(
    app_text_id(regexp_extract(content, app_text_trace_pattern(), 1)), app_text_id(regexp_extract(content, app_text_trace_pattern(), 3)));

CREATE OR REPLACE MACRO app_text_span_id(content) AS coalesce(
    app_text_id(regexp_extract(content, app_text_trace_pattern(), 2)), app_text_id(regexp_extract(content, app_text_trace_pattern(), 4)));

CREATE OR REPLACE MACRO app_text_no_time(raw, expected) AS 'time: none at the start of ' || left(split_part(raw, chr(10), 1), 60) || '; expected ' || expected;

-- Elasticsearch's times: 4.6ms, 803micros, 1.2s, 2m → milliseconds
CREATE OR REPLACE MACRO app_text_took_ms(text) AS round(try_cast(regexp_extract(text, '^([\d.]+)(?:nanos|micros|ms|s|m|h|d)$', 1) AS DOUBLE)
    * CASE regexp_extract(text, '[a-z]+$') WHEN 'nanos' THEN 0.000001 WHEN 'micros' THEN 0.001 WHEN 'ms' THEN 1 WHEN 's' THEN 1000
           WHEN 'm' THEN 60000 WHEN 'h' THEN 3600000 WHEN 'd' THEN 86400000 END, 6);

-- name[value] of an Elasticsearch slow log's message
CREATE OR REPLACE MACRO app_text_slow_field(text, pattern) AS nullif(regexp_extract(text, '(?:^|[ ,])' || pattern || '\[([^\]]*)\]', 1), '');

-- 'Completed 200 OK in 12ms (Views: 3.2ms | ActiveRecord: 0.5ms (2 queries, 0 cached) | Allocations: 1027)' of Rails
CREATE OR REPLACE MACRO app_text_completed(text) AS regexp_extract(text,
    'Completed (\d{3})? ?[^\n]*?in ([\d.]+) ?ms(?: \(([^\n]*)\))?', ['status', 'duration', 'timings']);

CREATE OR REPLACE MACRO app_text_timing(timings, name) AS nullif(regexp_extract(timings, '(?:^|[ |])' || name || ': ([\d.]+)', 1), '');

-- the two lines of java.util.logging's SimpleFormatter as one of log4j's form
CREATE OR REPLACE MACRO app_text_jul(j) AS strftime(try_strptime(j.time || ' ' || j.half, '%b %d, %Y %I:%M:%S %p'), '%Y-%m-%d %H:%M:%S')
    || ' ' || j.level || ' ' || j.logger || CASE WHEN j.method <> '' THEN ' (' || j.method || ')' ELSE '' END || ' - ' || j.rest;

-- fields between bars, after the level: Karaf's thread | logger | bundle | message, ActiveMQ's message | logger | thread,
-- logger | message, thread | logger | message
CREATE OR REPLACE MACRO app_text_piped(parts) AS CASE
    WHEN len(parts) >= 4 AND regexp_matches(parts[3], '^\d* - [\w.-]+ - \S+$')
    THEN {'thread': nullif(parts[1], ''), 'logger': parts[2], 'bundle': parts[3], 'message': array_to_string(parts[4:], ' | ')}
    WHEN len(parts) >= 3 AND regexp_matches(parts[-2], '^(?:[a-z_][\w$]*\.)+[A-Z][\w$]*$') AND NOT regexp_matches(parts[1], '^[\w.:#/-]+$|(?i:thread|exec-|pool|task)')
    THEN {'thread': parts[-1], 'logger': parts[-2], 'bundle': NULL, 'message': array_to_string(parts[:-3], ' | ')}
    WHEN len(parts) >= 3 AND regexp_matches(parts[2], '^[\w$.\[\]/-]+$')
    THEN {'thread': nullif(parts[1], ''), 'logger': parts[2], 'bundle': NULL, 'message': array_to_string(parts[3:], ' | ')}
    WHEN len(parts) >= 2 AND regexp_matches(parts[1], '^[\w$.\[\]/-]+$')
    THEN {'thread': NULL, 'logger': parts[1], 'bundle': NULL, 'message': array_to_string(parts[2:], ' | ')} END;
