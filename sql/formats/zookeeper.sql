-- title: Apache ZooKeeper's server log
-- dataset: app_log
-- record_start: ^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d
-- detect: ^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* +(?:\[myid:[^\]]*\] +)?- +[A-Z]+ +\[.*@(?:\d+|\?)\] - 
-- priority: 55
-- sample: 2026-11-22 13:04:05,123 [myid:1] - INFO  [main:QuorumPeerConfig@136] - reading configuration from /etc/zoo.cfg
-- limits: thread, class and line stand in one bracket, as ZooKeeper's own log4j and logback files write them
WITH headed AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw,
        regexp_extract(raw, '^(' || app_text_iso() || ')\s+(?:\[myid:([^\]]*)\]\s+)?-\s+(' || app_text_java_levels() || ')\s+\[([^\r\n]*?)@(\d+|\?)\] - ?([^\r\n]*)',
            ['time', 'myid', 'level', 'place', 'line', 'message']) AS h
    FROM records
), shaped AS (
    -- the class is what follows the last colon: addresses of threads have some too
    SELECT *, iso_parts(h.time) AS parts, regexp_extract(h.place, '^(.*):([^:]*)$', ['thread', 'class']) AS p FROM headed
), timed AS (
    SELECT *, iso_time(parts, getvariable('zone')) AS event_time FROM shaped
)
SELECT
    origin, logged AS raw,
    CASE WHEN h.time = '' AND NOT regexp_matches(raw, '^' || app_text_iso()) THEN app_text_no_time(raw, '2026-11-22 13:04:05,123')
         WHEN h.time = '' THEN 'place: no level and [thread:Class@line] after the time; expected - INFO  [main:QuorumPeerConfig@136] - message'
         WHEN event_time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 2026-11-22 13:04:05,123' END AS reject_reason,
    event_time,
    iso_basis(parts, getvariable('zone')) AS time_basis,
    'ok' AS parse_status,
    nullif(h.level, '') AS severity_text,
    coalesce(nullif(p.class, ''), nullif(h.place, '')) AS logger_name,
    nullif(p.thread, '') AS thread_name,
    CASE WHEN h.time = '' THEN raw ELSE app_text_body(h.message, raw) END AS body,
    attributes_of([{'key': 'myid', 'value': dash_null(h.myid)}, {'key': 'line', 'value': nullif(nullif(h.line, '?'), '')}]) AS attributes
FROM timed
