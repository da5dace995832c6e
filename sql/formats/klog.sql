-- title: klog of Kubernetes and glog (C++, Go, Abseil)
-- dataset: app_log
-- detect: ^\s*[IWEF](?:\d{4}|\d{8}) \d\d:\d\d:\d\d\.\d+\s+\d+ \S+:\d+\]
-- priority: 60
-- record_start: ^\s*[A-Z](?:\d{4}|\d{8}) \d\d:\d\d:\d\d\.\d|^(?:Log file created at|Running on machine|Application fingerprint|Binary|Running duration \(h:mm:ss\)|Log line format|Previous log):
-- heading: ^Log file created at:
-- sample: E1122 13:04:05.692994   28133 cart_controller.go:70] "payment failed" err="card declined" order="shop/17"
-- limits: a line without a year has the one nearest to the header "Log file created at" or else to the landing hour; the number after the time is the process in Go and the thread elsewhere; key="value" pairs stay in the body
WITH headed AS (
    SELECT origin, raw AS logged, replace(raw, chr(13) || chr(10), chr(10)) AS raw,
        regexp_matches(raw, '^(?:Log file created at|Running on machine|Application fingerprint|Binary|Running duration \(h:mm:ss\)|Log line format|Previous log):') AS ignored,
        regexp_extract(raw, '^\s*([A-Z])(\d{4})?(\d\d)(\d\d) (\d\d:\d\d:\d\d)\.(\d{1,12})\s+(\d+) +([^\r\n]+?):(\d+)\]',
            ['level', 'year', 'month', 'day', 'clock', 'fraction', 'id', 'file', 'line']) AS h,
        regexp_extract(raw, '^\s*[A-Z](?:\d{8}|\d{4}) \S*') AS head,
        (moment(regexp_extract(heading, '^Log file created at:\s*(.*?)\s*$', 1))).time AS created
    FROM records
), timed AS (
    SELECT *, CASE WHEN h.level = '' THEN NULL
                   WHEN h.year <> '' THEN wall_of(h.year, h.month, h.day, h.clock, h.fraction)
                   ELSE coalesce(wall_near(coalesce(created, getvariable('landing')::TIMESTAMP), h.month, h.day, h.clock, h.fraction),
                                 wall_of(year(coalesce(created, getvariable('landing')::TIMESTAMP)), h.month, h.day, h.clock, h.fraction)) END AS wall
    FROM headed
)
SELECT
    origin, logged AS raw,
    CASE WHEN head = '' THEN 'line: does not begin with a level and a time; expected I1122 13:04:05.692994   28133 cart.go:70] …'
         WHEN NOT ltrim(head)[1] IN ('I', 'W', 'E', 'F') THEN 'level: ' || ltrim(head)[1] || ' is not a level; expected I, W, E or F'
         WHEN h.level = '' THEN 'header: ' || left(ltrim(raw), 60) || ' is not one; expected I1122 13:04:05.692994   28133 cart.go:70]'
         WHEN wall IS NULL THEN 'time: ' || trim(head)[2:] || ' is not a time; expected 1122 13:04:05.692994' END AS reject_reason,
    local_to_utc(wall, getvariable('zone')) AS event_time,
    local_basis(wall, getvariable('zone')) || CASE WHEN h.year = '' THEN '_year_inferred' ELSE '' END AS time_basis,
    ignored,
    CASE WHEN try_cast(h.id AS BIGINT) IS NULL THEN 'partial' ELSE 'ok' END AS parse_status,
    map_extract_value(MAP {'I': 'INFO', 'W': 'WARNING', 'E': 'ERROR', 'F': 'FATAL'}, h.level) AS severity_text,
    CASE WHEN NOT ends_with(h.file, '.go') AND try_cast(h.id AS BIGINT) IS NOT NULL THEN h.id END AS thread_name,
    CASE WHEN ends_with(h.file, '.go') THEN try_cast(h.id AS BIGINT) END AS process_pid,
    nullif(rtrim(CASE WHEN h.level = '' THEN raw ELSE substr(raw, instr(raw, h.file || ':' || h.line || ']') + length(h.file || ':' || h.line || ']') + 1) END, ' ' || chr(9) || chr(10) || chr(13)), '') AS body,
    attributes_of([
        {'key': 'file', 'value': nullif(h.file, '')},
        {'key': 'line', 'value': nullif(h.line, '')},
        {'key': 'thread_id', 'value': CASE WHEN try_cast(h.id AS BIGINT) IS NULL THEN nullif(h.id, '') END}]) AS attributes
FROM timed
