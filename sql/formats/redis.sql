-- title: Redis, Valkey and Sentinel server log, Redis 1 to 8, Valkey 7 to 9
-- dataset: app_log
-- record_start: ^(?:(?:\d+:[A-Z] |\[\d+\] )?\d\d? [A-Z][a-z]{2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)? [.*#-]|\d+:[A-Z] (?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*|\d{13}) [.*#-]|\d+:signal-handler \(|\[\d+ \| signal handler\] \(|\s*_\._\s*$)
-- detect: ^(?:(?:\d+:[A-Z] |\[\d+\] )?\d\d? [A-Z][a-z]{2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)? [.*#-] |\d+:[A-Z] (?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*|\d{13}) [.*#-] |\d+:signal-handler \(|\[\d+ \| signal handler\] \()
-- priority: 66
-- sample: 1234:M 22 Nov 2026 13:04:05.123 * Ready to accept connections tcp
-- limits: Valkey's log-format logfmt is read by logfmt; the level is written as its word (. debug, - verbose, * notice, # warning); the start-up drawing is left out; what has no time, such as a crash report, belongs to the line before it
WITH shaped AS (
    SELECT origin, raw AS logged, replace(raw, chr(13) || chr(10), chr(10)) AS raw FROM records
), headed AS (
    SELECT *,
        regexp_matches(raw, '^\s*_\._\s*(?:\n|$)') AS is_drawing,
        regexp_extract(raw, '^(?s)(?:(\d+):([A-Z]) |\[(\d+)\] )?(?:(\d\d?) ([A-Z][a-z]{2}) (\d{4} )?(\d\d:\d\d:\d\d(?:\.\d+)?)|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,24})|(\d{13})) ([.*#-]) ?(.*)$',
            ['pid', 'role', 'old_pid', 'day', 'month', 'year', 'clock', 'iso', 'millis', 'level', 'message']) AS h,
        regexp_extract(raw, '^(?s)\[?(\d+)(?::signal-handler| \| signal handler\]) \((\d+)\) ?(.*)$', ['pid', 'time', 'message']) AS s
    FROM shaped
), timed AS (
    -- the month first: so written a time without a year is not taken for one with it
    SELECT *, database_moment(CASE WHEN h.iso <> '' THEN h.iso ELSE h.month || ' ' || h.day || ' ' || h.year || h.clock END) AS m,
        coalesce(database_epoch(s.time), database_epoch_ms(h.millis)) AS epoch,
        rtrim(CASE WHEN s.time <> '' THEN s.message ELSE h.message END, chr(10)) AS message
    FROM headed
)
SELECT
    origin, logged AS raw,
    is_drawing AS ignored,
    CASE WHEN is_drawing THEN NULL
         WHEN h.level = '' AND s.time = '' THEN 'time: none at the start; expected 1234:M 22 Nov 2026 13:04:05.123 * message'
         WHEN coalesce(epoch, m.time) IS NULL THEN 'time: ' || left(coalesce(nullif(s.time, ''), nullif(h.iso, ''), h.day || ' ' || h.month || ' ' || h.year || h.clock), 60) || ' is not a time; expected 22 Nov 2026 13:04:05.123' END AS reject_reason,
    coalesce(epoch, m.time) AS event_time,
    CASE WHEN epoch IS NOT NULL THEN 'epoch' ELSE m.basis END AS time_basis,
    CASE WHEN message = '' OR length(h.pid || h.old_pid || s.pid) > 18 THEN 'partial' ELSE 'ok' END AS parse_status,
    CASE h.level WHEN '.' THEN 'debug' WHEN '-' THEN 'verbose' WHEN '*' THEN 'notice' WHEN '#' THEN 'warning' END AS severity_text,
    CASE h.level WHEN '-' THEN 9 END::TINYINT AS severity_number,
    coalesce(try_cast(nullif(h.pid, '') AS BIGINT), try_cast(nullif(h.old_pid, '') AS BIGINT), try_cast(nullif(s.pid, '') AS BIGINT)) AS process_pid,
    CASE WHEN h.level = '' AND s.time = '' THEN raw ELSE nullif(message, '') END AS body,
    attributes_of([
        {'key': 'role', 'value': CASE h.role WHEN 'M' THEN 'master' WHEN 'S' THEN 'slave' WHEN 'C' THEN 'child' WHEN 'X' THEN 'sentinel' ELSE nullif(h.role, '') END},
        {'key': 'pid', 'value': CASE WHEN length(h.pid || h.old_pid || s.pid) > 18 THEN h.pid || h.old_pid || s.pid END}
    ]) AS attributes
FROM timed
