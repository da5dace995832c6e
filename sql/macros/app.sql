-- title: severities, traces, error fingerprints
-- severity numbers: OpenTelemetry log data model, whose appendix B maps the levels of syslog, log4j, Python, .NET and others
CREATE OR REPLACE MACRO severity_number_of(level) AS map_extract_value(MAP {
    'TRACE': 1, 'VERBOSE': 1, 'FINEST': 1, 'FINER': 3, 'TRCE': 1, 'VRB': 1,
    'DEBUG': 5, 'DBG': 5, 'DBUG': 5, 'FINE': 5, 'D': 5,
    'INFO': 9, 'INFORMATION': 9, 'INFORMATIONAL': 9, 'INF': 9, 'CONFIG': 9, 'I': 9, 'LOG': 9, 'NOTE': 10, 'NOTICE': 10, 'N': 10,
    'WARN': 13, 'WARNING': 13, 'WRN': 13, 'W': 13,
    'ERROR': 17, 'ERR': 17, 'E': 17, 'FAIL': 17, 'SEVERE': 17,
    'CRITICAL': 18, 'CRIT': 18, 'ALERT': 19, 'DPANIC': 19, 'PANIC': 21, 'FATAL': 21, 'F': 21, 'C': 21, 'EMERG': 21, 'EMERGENCY': 21},
    upper(level))::TINYINT;

-- the part of a message from the line on that begins a stack trace; empty where there is none
CREATE OR REPLACE MACRO trace_of(body) AS ltrim(regexp_extract(body,
    '(?s)((?:^|\n)(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable)\b.*|(?:^|\n)\s+at [\w$.<>/]+\(.*)$', 1), chr(10));

-- class and message of the outermost exception of a trace
CREATE OR REPLACE MACRO exception_of(trace) AS regexp_extract(trace, '^((?:[\w$]+\.)+[\w$]+)(?:: ?([^\n]*))?', ['type', 'message']);

-- the same defect has the same exception class, top three frames (without line numbers) and message template
CREATE OR REPLACE MACRO error_fingerprint_of(type, trace, template) AS md5(concat_ws('|', coalesce(type, ''),
    array_to_string(list_slice(regexp_extract_all(coalesce(trace, ''), '(?:^|\n)\s+at ([\w$.<>/]+)\(', 1), 1, 3), ','), template));
