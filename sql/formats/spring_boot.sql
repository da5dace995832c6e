-- title: Spring Boot's default log, versions 1 to 3, with correlation ids
-- dataset: app_log
-- record_start: ^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d
-- detect: ^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* +[A-Z]{4,5} .*--- \[
-- priority: 55
-- sample: 2026-11-22T13:04:05.123+09:00  INFO 4242 --- [shop] [nio-8080-exec-1] [5d1c7f3a9b2e4d60a1b2c3d4e5f60718-a1b2c3d4e5f60718] c.e.shop.Cart : added 3 items
-- limits: the banner before the first line is one partial row; thread and logger names are as shortened by Spring; of two brackets before the logger the first is the application, unless the second is a trace
WITH headed AS (
    SELECT origin, raw AS logged, app_text_lines(raw) AS raw,
        regexp_extract(raw,
            '^(' || app_text_iso() || ')\s+(' || app_text_java_levels() || ')\s+(?:\[([^\]]*)\]\s+)?(\d+)?\s*---\s+((?:' || app_text_bracket() || '\s*)+)(?:(\S+)\s*:(?: ([^\r\n]*))?)?',
            ['time', 'level', 'sleuth', 'pid', 'brackets', 'logger', 'message']) AS h
    FROM records
), shaped AS (
    SELECT *, iso_parts(h.time) AS parts,
        app_text_brackets(h.brackets) AS brackets
    FROM headed
), listed AS (
    -- blank where there is no trace, and then as wide as one
    SELECT *, coalesce(nullif(h.sleuth, ''), list_filter(brackets[2:], lambda item: app_text_is_trace(item))[1]) AS trace,
        CASE WHEN len(brackets) = 1 THEN brackets
             ELSE list_filter(brackets, lambda item, place: NOT app_text_is_trace(item) AND (place = 1 OR item <> '')) END AS names
    FROM shaped
), timed AS (
    SELECT *, iso_time(parts, getvariable('zone')) AS event_time FROM listed
)
SELECT
    origin, logged AS raw,
    CASE WHEN h.time = '' AND NOT regexp_matches(raw, '^' || app_text_iso()) THEN app_text_no_time(raw, '2026-11-22T13:04:05.123+09:00')
         WHEN h.time = '' THEN 'level: no level, process id and --- after the time; expected INFO 4242 --- [main] logger : message'
         WHEN event_time IS NULL THEN 'time: ' || left(h.time, 60) || ' is not a time; expected 2026-11-22T13:04:05.123+09:00' END AS reject_reason,
    event_time,
    iso_basis(parts, getvariable('zone')) AS time_basis,
    CASE WHEN h.logger = '' THEN 'partial' ELSE 'ok' END AS parse_status,
    coalesce(CASE WHEN len(names) > 1 THEN nullif(names[1], '') END, nullif(split_part(h.sleuth, ',', 1), '')) AS service_name,
    nullif(h.level, '') AS severity_text,
    nullif(h.logger, '') AS logger_name,
    nullif(names[-1], '') AS thread_name,
    try_cast(h.pid AS BIGINT) AS process_pid,
    app_text_trace_id(trace) AS trace_id,
    app_text_span_id(trace) AS span_id,
    CASE WHEN h.logger = '' THEN raw ELSE app_text_body(h.message, raw) END AS body,
    CASE WHEN len(names) > 2 THEN attributes_of([{'key': 'application_group', 'value': names[2]}]) ELSE no_attributes() END AS attributes
FROM timed
