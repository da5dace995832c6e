-- title: Apache Kafka's server, controller, state-change and Connect logs
-- dataset: app_log
-- record_start: ^\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d
-- detect: ^\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]\d+\] +[A-Z]{4,5} .*\([\w$.-]+(?::\d+)?\)\s*$
-- priority: 55
-- sample: [2026-11-22 13:04:05,123] INFO [Controller id=0]: elected as the controller (kafka.controller.KafkaController)
-- limits: the component is the bracket that the message begins with, for Connect the connector's context; a line without the class in parentheses at its end is partial
WITH headed AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw,
        regexp_extract(raw, '^\[(' || app_text_iso() || ')\]\s+(' || app_text_java_levels() || ')\s+', ['time', 'level']) AS h,
        regexp_extract(raw, '^\[[^\]]*\]\s+[A-Z]+\s+') AS head
    FROM records
), told AS (
    SELECT *, iso_parts(h.time) AS parts, raw[length(head) + 1:] AS text FROM headed
), classed AS (
    -- at the end of the first line, or of a later one where the message has several; a frame has no space before its parenthesis
    SELECT *, regexp_extract(text, '(?s)^(.*?) ?\(([A-Za-z_][\w$-]*(?:\.[\w$-]+)+)(?::(\d+))?\)[ \t]*(?:\n|$)', ['message', 'class', 'line']) AS dotted
    FROM told
), simple AS (
    SELECT *, CASE WHEN dotted.class = '' THEN regexp_extract(text, '^([^\n]*?) \(([A-Za-z_][\w$-]*)(?::(\d+))?\)[ \t]*(?:\n|$)', ['message', 'class', 'line'])
                   ELSE dotted END AS c
    FROM classed
), parted AS (
    SELECT *, CASE WHEN c.class = '' THEN text ELSE rtrim(c.message, chr(10)) END AS message,
        CASE WHEN c.class = '' OR NOT contains(text, chr(10)) THEN ''
             ELSE substr(text, length(CASE WHEN dotted.class <> '' THEN regexp_extract(text, '(?s)^.*? ?\([A-Za-z_][\w$-]*(?:\.[\w$-]+)+(?::\d+)?\)[ \t]*(?:\n|$)')
                                           ELSE regexp_extract(text, '^[^\n]*? \([A-Za-z_][\w$-]*(?::\d+)?\)[ \t]*(?:\n|$)') END) + 1) END AS following
    FROM simple
), componented AS (
    SELECT *, CASE WHEN left(message, 1) = '[' THEN regexp_extract(message, '^\[([^\]\n]*)\](?:[,:.]? +|$)', ['component']) END AS k,
        CASE WHEN left(message, 1) = '[' THEN regexp_extract(message, '^\[[^\]\n]*\](?:[,:.]? +|$)') ELSE '' END AS before
    FROM parted
), timed AS (
    SELECT *, iso_time(parts, getvariable('zone')) AS event_time FROM componented
)
SELECT
    origin, logged AS raw,
    CASE WHEN h.time = '' AND NOT regexp_matches(raw, '^\[' || app_text_iso() || '\]') THEN app_text_no_time(raw, '[2026-11-22 13:04:05,123]')
         WHEN h.time = '' THEN 'level: none after the time; expected INFO'
         WHEN event_time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 2026-11-22 13:04:05,123' END AS reject_reason,
    event_time,
    iso_basis(parts, getvariable('zone')) AS time_basis,
    CASE WHEN c.class = '' THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(h.level, '') AS severity_text,
    nullif(c.class, '') AS logger_name,
    CASE WHEN h.time = '' THEN raw
         ELSE concat_ws(chr(10), CASE WHEN k.component <> '' THEN message[length(before) + 1:] ELSE message END, nullif(rtrim(following), '')) END AS body,
    CASE WHEN k.component <> '' OR c.line <> '' THEN attributes_of([
        {'key': 'component', 'value': nullif(k.component, '')}, {'key': 'line', 'value': nullif(c.line, '')}]) ELSE no_attributes() END AS attributes
FROM timed
