-- title: Java application log of logback or log4j, with stack traces
-- dataset: app_log
-- record_start: ^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d
-- detect: ^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d
-- sample: 2026-11-22 13:04:05.123 [main] ERROR com.example.Shop - payment 42 failed
-- limits: date and time come first; thread in brackets and level in either order; times without an offset are in the source's zone
WITH headed AS (
    SELECT origin, raw AS logged, replace(raw, chr(13) || chr(10), chr(10)) AS raw,
        regexp_extract(raw,
            '^\[?(\d{4}-\d\d-\d\d[T ][\d:.,]+(?: ?(?:Z|[+-]\d\d:?\d\d))?)\]?\s+([^\r\n]*)', ['time', 'rest']) AS h
    FROM records
), shaped AS (
    SELECT *, iso_parts(h.time) AS parts,
        regexp_extract(h.rest,
            '^(?:\[([^\]]*)\]\s+)?(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\s+(?:(\d+)\s+---\s+(?:\[([^\]]*)\] )?\[([^\]]*)\]\s*|\[([^\]]*)\]:?\s*)?(.*)$',
            ['thread', 'level', 'pid', 'application', 'spring_thread', 'thread_after', 'rest']) AS b
    FROM headed
), messaged AS (
    SELECT *, regexp_extract(b.rest, '^([\w$.\[\]/-]+)\s*(?: - |: )(.*)$', ['logger', 'message']) AS m FROM shaped
), timed AS (
    SELECT *, iso_time(parts, getvariable('zone')) AS event_time,
        CASE WHEN h.time = '' THEN raw
             ELSE concat_ws(chr(10), CASE WHEN b.level = '' THEN h.rest WHEN m.logger = '' THEN b.rest ELSE m.message END,
                            CASE WHEN contains(raw, chr(10)) THEN nullif(rtrim(raw[instr(raw, chr(10)) + 1:]), '') END) END AS body
    FROM messaged
)
SELECT
    origin, logged AS raw,
    CASE WHEN h.time = '' THEN 'time: none at the start; expected 2026-11-22 13:04:05.123'
         WHEN event_time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 2026-11-22 13:04:05.123' END AS reject_reason,
    event_time,
    iso_basis(parts, getvariable('zone')) AS time_basis,
    CASE WHEN b.level = '' THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(trim(b.application), '') AS service_name,
    nullif(b.level, '') AS severity_text,
    nullif(m.logger, '') AS logger_name,
    coalesce(nullif(b.thread, ''), nullif(trim(b.spring_thread), ''), nullif(trim(b.thread_after), '')) AS thread_name,
    try_cast(b.pid AS BIGINT) AS process_pid,
    body,
    no_attributes() AS attributes
FROM timed
