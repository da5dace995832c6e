-- title: severities, traces, error fingerprints
-- severity numbers: OpenTelemetry log data model, whose appendix B maps the levels of syslog, log4j, Python, .NET and others
CREATE OR REPLACE MACRO severity_number_of(level) AS map_extract_value(MAP {
    'TRACE': 1, 'VERBOSE': 1, 'FINEST': 1, 'FINER': 3, 'TRCE': 1, 'TRC': 1, 'VRB': 1, 'VERB': 1, 'T': 1, 'V': 1,
    'DEBUG': 5, 'DBG': 5, 'DBUG': 5, 'FINE': 5, 'D': 5,
    'TRAC': 1, 'DEBU': 5, 'SUCCESS': 10,
    'INFO': 9, 'INFORMATION': 9, 'INFORMATIONAL': 9, 'INF': 9, 'CONFIG': 9, 'I': 9, 'LOG': 9, 'NOTE': 10, 'NOTICE': 10, 'N': 10,
    'DEPRECATION': 12,
    'WARN': 13, 'WARNING': 13, 'WRN': 13, 'W': 13,
    'ERROR': 17, 'ERR': 17, 'EROR': 17, 'ERRO': 17, 'E': 17, 'FAIL': 17, 'SEVERE': 17,
    'CRITICAL': 18, 'CRIT': 18, 'CRT': 18, 'ALERT': 19, 'DPANIC': 19, 'PANIC': 21, 'FATAL': 21, 'FATL': 21, 'FATA': 21, 'PANI': 21, 'FTL': 21, 'F': 21, 'C': 21,
    'EMERG': 21, 'EMERGENCY': 21},
    upper(trim(level)))::TINYINT;

-- what may stand before an exception's class: Java's threads, Node's and .NET's words for one that nobody caught
CREATE OR REPLACE MACRO app_trace_prefix() AS
    '(?:Exception in thread "[^"\n]*" |Uncaught (?:exception )?|Unhandled [Ee]xception[.:] |Unhandled rejection |\(node:\d+\) \w+: |Caused by: )?';

CREATE OR REPLACE MACRO app_ruby_frame() AS '[ \t]*(?:from )?[^\s:][^\n:]*:\d+:in [`'']';

-- The lines that a trace begins with, by language. What needs frames below it ends with the first of them.
CREATE OR REPLACE MACRO app_trace_start() AS
    '((?:^|\n)' || app_trace_prefix() || '(?:'
    -- Java and .NET: a qualified class that says it is an exception, or any class above frames
    || '(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable)\b'
    || '|(?:[\w$]+\.)+[\w$]+(?:: [^\n]*|\[[^\n]*)?(?:\n ---> [^\n]*)*\n\s+at \S'
    || '|(?:[A-Z][\w$]*)?(?:Exception|Error|Throwable)(?: \[\w+\])?(?:(?:: [^\n]*|\[[^\n]*)(?:\n[^\n]*){0,9}?)?\n\s+at \S'
    || '|[A-Z][\w$]*(?: \[\w+\])?: [^\n]*\n\s+at \S)'
    || '|(?:^|\n)\s+at (?:[\w$.<>/]+\(|[^\n]*:\d+:\d+\)?(?:\n|$))'
    || '|(?:^|\n)[ \t|+]*(?:Exception Group )?Traceback \(most recent call last\):'
    || '|(?:^|\n)(?:panic|fatal error): [^\n]*(?:\n[^\n]*){0,9}?\ngoroutine \d+ '
    || '|(?:^|\n)goroutine \d+ [^\n]*\[[^\n]*\]:'
    || '|\bhttp: panic serving [^\n]*\ngoroutine \d+ '
    || '|(?:^|\n)[^\s:]+:\d+:in [`''][^\n'']*'': [^\n]*\([A-Z][\w:]*\)'
    || '|(?:^|\n)[ \t]*[A-Z]\w*(?:::\w+)*(?: \([^\n]*(?:\n[^\n]*){0,9}?|: [^\n]*)\n' || app_ruby_frame()
    || '|(?:^|\n)[^\n]* \([A-Z]\w*(?:::\w+)*\)\n' || app_ruby_frame()
    || '|(?:^|\n)' || app_ruby_frame() || '[^\n]*\n' || app_ruby_frame()
    -- an exception behind other words of its line, as console.error("…", e) writes it
    || '|\b(?:[\w$]+\.)*(?:[A-Z][\w$]*)?(?:Exception|Error)(?: \[\w+\])?(?:: [^\n]*|\[[^\n]*)?\n\s+at \S)';

CREATE OR REPLACE MACRO app_may_trace() AS '\sat |Traceback \(|goroutine \d|:in [`'']|Exception|Error|Throwable';

-- the part of a message from the line on that begins a stack trace; empty where there is none
CREATE OR REPLACE MACRO trace_of(body) AS
    CASE WHEN regexp_matches(body, app_may_trace())
         THEN list_transform([regexp_extract(body, app_trace_start(), 1)], lambda marker:
             CASE WHEN marker = '' THEN '' ELSE ltrim(body[instr(body, marker):], chr(10)) END)[1] ELSE '' END;

CREATE OR REPLACE MACRO app_language_of(trace) AS CASE
    WHEN regexp_matches(trace, '^(?:[^\s:]+:\d+:in [`'']|' || app_ruby_frame() || ')') THEN 'ruby'
    WHEN contains(trace, 'Traceback (most recent call last):') THEN CASE WHEN regexp_matches(trace, '\n[^\s:]+:\d+:in [`'']') THEN 'ruby' ELSE 'python' END
    WHEN regexp_matches(trace, '^(?:http: )?(?:panic|fatal error|goroutine \d+)\b') AND contains(trace, 'goroutine ') THEN 'go'
    WHEN regexp_matches(trace, '\n\s*at \S|^\s+at \S') THEN 'at'
    -- zap's and pkg/errors' frames, without a goroutine
    WHEN regexp_matches(left(trace, 4000), '(?:^|\n)[^\s(]+(?:\(\*?[^\s()]+\))?[^\s(]*\n\t[^\n]+\.go:\d+') THEN 'go'
    WHEN regexp_matches(left(trace, 4000), '\n' || app_ruby_frame()) THEN 'ruby'
    ELSE 'at' END;

-- after the last "Traceback (most recent call last):": of a chain that is the exception which reached the top
CREATE OR REPLACE MACRO app_last_traceback(trace) AS string_split(trace, 'Traceback (most recent call last):')[-1];

-- class and message of the outermost exception of a trace, as each language's convention names it
CREATE OR REPLACE MACRO exception_of(trace) AS CASE app_language_of(trace)
    WHEN 'python' THEN CASE WHEN contains(trace, 'Exception Group Traceback (most')
        THEN regexp_extract(trace, 'Exception Group Traceback \(most recent call last\):\n(?:[ \t]*\|  [^\n]*\n)*[ \t]*\| ([A-Za-z_][\w.]*)(?:: ?([^\n]*))?', ['type', 'message'])
        ELSE regexp_extract(app_last_traceback(trace), '^(?:[ \t>][^\n]*\n|\n)*([A-Za-z_][\w.]*)(?:: ?([^\n]*))?(?:\n|$)', ['type', 'message']) END
    WHEN 'go' THEN regexp_extract(trace, '^(?:http: )?(panic|fatal error)(?: serving \S+)?: ?([^\n]*?)(?: \[recovered[^\]\n]*\])?(?:\n|$)', ['type', 'message'])
    WHEN 'ruby' THEN CASE
        WHEN regexp_matches(trace, '(?:^|\n)[^\s:]+:\d+:in [`''][^\n'']*'': [^\n]*\([A-Z][\w:]*\)')
        THEN regexp_extract(trace, '(?:^|\n)[^\s:]+:\d+:in [`''][^\n'']*'': ([^\n]*?) ?\(([A-Z][\w:]*)\)(?:\n|$)', ['message', 'type'])::STRUCT(type VARCHAR, message VARCHAR)
        WHEN regexp_matches(trace, '^[ \t]*[A-Z]\w*(?:::\w+)* \(')
        THEN regexp_extract(trace, '^[ \t]*([A-Z]\w*(?:::\w+)*) \(([^\n]*?)(?:\):?[ \t]*)?(?:\n|$)', ['type', 'message'])
        WHEN regexp_matches(trace, '^[A-Z]\w*(?:::\w+)*: ')
        THEN regexp_extract(trace, '^([A-Z]\w*(?:::\w+)*): ([^\n]*)', ['type', 'message'])
        ELSE regexp_extract(trace, '^([^\n]*) \(([A-Z]\w*(?:::\w+)*)\)\n', ['message', 'type'])::STRUCT(type VARCHAR, message VARCHAR) END
    ELSE CASE WHEN regexp_matches(trace, '^[\w$.]+\[')
        THEN regexp_extract(trace, '^([\w$.]+)\[([^\n]*?)(?:\]; nested: [^\n]*|\];?)?(?:\n|$)', ['type', 'message'])
        ELSE regexp_extract(trace, '^' || app_trace_prefix() || '((?:[\w$]+\.)*[\w$]+)(?: \[\w+\])?(?:: ?([^\n]*?))?(?: ---> [^\n]*)?(?:\n|$)', ['type', 'message']) END
    END;

-- a frame without line numbers and without what changes from run to run
CREATE OR REPLACE MACRO app_frame_name(frame) AS regexp_replace(regexp_replace(
    CASE WHEN regexp_matches(frame, ':\d+:\d+\)?$')
         THEN regexp_replace(frame, '^(?:async )?(?:(.*?) \()?(?:.*[/\\])?([^/\\?]*?)(?:\?.*)?:\d+:\d+\)?$', '\1@\2')
         ELSE regexp_replace(frame, '\s*\(.*$|\s+in \S.*$', '') END,
    '(Lambda|Accessor|Proxy|CGLIB\$\$|ByteBuddy\$)(?:[$/]?\d[0-9a-fx/]*|[/]0x[0-9a-f]+|[0-9a-f]{6,})', '\1', 'g'), '@[\d.]+/|0x[0-9a-f]+|__+\d+_\d+', '', 'g');

-- names of the three frames nearest to where the exception was thrown
CREATE OR REPLACE MACRO app_top_frames(trace) AS CASE app_language_of(trace)
    WHEN 'python' THEN list_transform(list_slice(list_reverse(
        regexp_extract_all(right(app_last_traceback(trace), 100000), 'File "(?:[^"\n]*[/\\])?([^"\n]*", line \d+, in [^\n]+)', 1)), 1, 3),
        lambda frame: regexp_replace(frame, '", line \d+, in ', ':'))
    WHEN 'go' THEN list_transform(list_slice(list_filter(
        regexp_extract_all(regexp_extract(left(trace, 100000), '(?s)(?:goroutine \d+ .*?(?:\n\n|$)|^.*$)'), '(?:^|\n)([^\s(]+(?:\(\*?[^\s()]+\))?[^\s(]*)(?:\([^\n]*\))?\n[ \t]+[^\n]+:\d+', 1),
        lambda frame: frame <> 'panic' AND NOT regexp_matches(frame, '^runtime(?:/debug)?\.')), 1, 3), lambda frame: regexp_replace(frame, '0x[0-9a-f]+', '', 'g'))
    WHEN 'ruby' THEN list_transform(list_slice(
        regexp_extract_all(left(trace, 100000), '(?:^|\n)[ \t]*(?:from )?(?:[^\s:][^\n:]*/)?([^\n:/]+:\d+:in [`''][^\n'']*)', 1), 1, 3),
        lambda frame: regexp_replace(regexp_replace(frame, ':\d+:in [`'']', ':'), '__+\d+_\d+', ''))
    ELSE list_transform(list_slice(regexp_extract_all(left(trace, 100000), '(?:^|\n)[ \t]*at ([^\n]+)', 1), 1, 3), lambda frame: app_frame_name(rtrim(frame))) END;

-- the same defect has the same exception class, top three frames (without line numbers) and message template
CREATE OR REPLACE MACRO error_fingerprint_of(type, trace, template) AS md5(concat_ws('|', coalesce(type, ''),
    CASE WHEN trace IS NULL THEN '' ELSE array_to_string(app_top_frames(trace), ',') END, template));
