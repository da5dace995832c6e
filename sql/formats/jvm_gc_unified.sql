-- title: JVM garbage collection log of unified logging (-Xlog:gc*, JDK 9 and later)
-- dataset: jvm_gc, app_log
-- detect: ^(?:\[[^\]]*\])*\[(?:[a-z0-9_]+,)*(?:gc|safepoint)(?:,[a-z0-9_]+)* *\]|^(?:\[[^\]]*\])+ GC\(\d+\) 
-- priority: 60
-- record_start: ^\[(?:\d{4}-\d\d-\d\dT\d\d:|\d+[.,]\d+s\]|\d+[mn]s\]|(?:trace|debug|info|warning|error) *\]|(?:[a-z0-9_]+,)*(?:gc|safepoint)(?:,[a-z0-9_]+)* *\]|[\w.-]+ *\]\[)
-- sample: [2026-11-22T13:04:05.123+0900][0.512s][info][gc] GC(5) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.456ms
-- limits: a line needs a decoration, best time or utctime: with uptime only event_time is the landing hour; the line with the duration is the row of jvm_gc, its start and its details are rows of app_log; a single number among the decorations is taken as the process id
WITH decorated AS (
    SELECT origin, raw, replace(raw, chr(13) || chr(10), chr(10)) AS line,
        jvm_gc_decorations(replace(raw, chr(13) || chr(10), chr(10))) AS d
    FROM records
), hosted AS (
    SELECT origin, raw, line,
        CASE WHEN d.time = '' AND d.uptime = '' AND d.millis = '' AND d.nanos = '' AND d.pid = '' AND d.level = '' AND d.tags = ''
             THEN jvm_gc_decorations_with_host(line) ELSE d END AS d
    FROM decorated
), told AS (
    SELECT *,
        regexp_extract(d.message, '^GC\((\d{1,18})\)\s+(?:([YOyo]): )?((?s:.*\S))\s*$', ['gc_id', 'generation', 'rest']) AS g,
        -- of a pair of millis the first is the wall clock; a single one is told by its size
        CASE WHEN length(d.millis) >= 12 THEN d.millis END AS wall_millis,
        CASE WHEN length(d.nanos) >= 18 THEN d.nanos END AS wall_nanos,
        coalesce(jvm_gc_ms(d.uptime),
            try_cast(CASE WHEN length(d.millis) >= 12 THEN d.more_millis ELSE d.millis END AS DOUBLE),
            try_cast(CASE WHEN length(d.nanos) >= 18 THEN d.more_nanos ELSE d.nanos END AS DOUBLE) / 1000000) AS up_ms
    FROM hosted
), cut AS (
    SELECT *,
        regexp_extract(g.rest,
            '^((?:Pause|Concurrent) [^\n]*?|(?:Garbage|Minor|Major) Collection(?: \([^\n]*?\))?)(?: (\d{1,15}[BKMGT])(?:\((\d+)%\))?->(\d{1,15}[BKMGT])(?:\(([\dBKMGT]+)%?\))?)?(?: \(\d+[.,]\d+s(?:, \d+[.,]\d+s)?\))?(?: (\d{1,12}(?:[.,]\d{1,9})?) ?(ms|s))?$',
            ['phase', 'before', 'before_percent', 'after', 'committed', 'duration', 'unit']) AS p
    FROM told
), phased AS (
    SELECT *,
        coalesce(p.duration <> '' OR (starts_with(p.phase, 'Garbage Collection') AND p.before <> ''), false) AS is_event,
        regexp_extract(p.phase, '^([A-Z][A-Za-z0-9/-]*(?: [A-Za-z][A-Za-z0-9/-]*)*(?: \((?:Normal|Mixed|Prepare Mixed|Concurrent Start|Concurrent End|Initial Mark|Cleanup|Young|Old|Global|YOUNG|OLD|GLOBAL|NON-GEN|Major|Minor|Mark|Evacuation|Update Refs|Update References|Roots|Outside of Cycle|process weakrefs|unload classes|Maximum Compaction|abort|aborted|interrupted)\))*)(?: \(((?:[^()]|\([^()]*\))*)\))?(.*)$',
            ['action', 'cause', 'more']) AS a,
        iso_parts(coalesce(nullif(d.time, ''), nullif(d.utctime, ''))) AS parts
    FROM cut
), timed AS (
    SELECT *,
        iso_time(parts, getvariable('zone')) AS written_time,
        CASE WHEN d.time <> '' THEN NULL
             ELSE coalesce(epoch_time(wall_nanos), epoch_time(wall_millis),
                           CASE WHEN jvm_gc_is_epoch(up_ms) THEN make_timestamp(try_cast(up_ms * 1000 AS BIGINT)) END) END AS clock_time,
        CASE WHEN NOT jvm_gc_is_epoch(up_ms) THEN up_ms END AS uptime_ms,
        regexp_extract(CASE WHEN NOT is_event THEN d.message END,
            '(?:^|\) )(?:Total time for which application threads were stopped: (\d{1,12}[.,]\d{1,12}) seconds(?:, Stopping threads took: (\d{1,12}[.,]\d{1,12}) seconds)?|Application time: (\d{1,12}[.,]\d{1,12}) seconds|Safepoint "([^"]*)", Time since last: (\d{1,18}) ns, Reaching safepoint: (\d{1,18}) ns,.* Total: (\d{1,18}) ns)',
            ['stopped', 'stopping', 'application', 'operation', 'since_ns', 'reaching_ns', 'total_ns']) AS s
    FROM phased
), judged AS (
    SELECT *,
        d.tags <> '' AND (d.time <> '' OR d.uptime <> '' OR d.millis <> '' OR d.nanos <> '' OR d.level <> ''
                          OR regexp_matches(d.tags, '(?:^|,)(?:gc|safepoint)(?:,|$)'))
            OR d.level <> '' AND (d.time <> '' OR d.uptime <> '' OR d.millis <> '' OR d.nanos <> '')
            OR (g.gc_id <> '' AND line[1] = '[') AS is_known,
        d.cut <> '' AND (d.time <> '' OR d.uptime <> '') AS is_cut
    FROM timed
), listed AS (
    SELECT *, list_filter([
        {'key': 'level', 'value': CASE WHEN is_event THEN nullif(d.level, '') END},
        {'key': 'tags', 'value': CASE WHEN is_event THEN nullif(d.tags, '') END},
        {'key': 'pid', 'value': CASE WHEN is_event THEN nullif(d.pid, '') END},
        {'key': 'tid', 'value': nullif(d.tid, '')},
        {'key': 'uptime', 'value': CASE WHEN jvm_gc_is_epoch(up_ms) THEN nullif(d.uptime, '') END},
        {'key': 'generation', 'value': CASE upper(g.generation) WHEN 'Y' THEN 'young' WHEN 'O' THEN 'old' END},
        {'key': 'duration_ms', 'value': CASE WHEN is_event AND NOT starts_with(p.phase, 'Pause ')
                THEN (round(jvm_gc_number(p.duration) * CASE p.unit WHEN 's' THEN 1000 ELSE 1 END, 6))::VARCHAR END},
        {'key': 'heap_before_percent', 'value': CASE WHEN is_event THEN nullif(p.before_percent, '') END},
        {'key': 'heap_after_percent', 'value': CASE WHEN is_event AND regexp_full_match(p.committed, '\d+') THEN p.committed END},
        {'key': 'extra', 'value': CASE WHEN is_event THEN nullif(trim(a.more), '') END},
        {'key': 'gc_id', 'value': CASE WHEN NOT is_event THEN nullif(g.gc_id, '') END},
        {'key': 'uptime_ms', 'value': CASE WHEN NOT is_event THEN uptime_ms::VARCHAR END},
        {'key': 'stopped_ms', 'value': coalesce(jvm_gc_ms(s.stopped), try_cast(s.total_ns AS DOUBLE) / 1000000)::VARCHAR},
        {'key': 'stopping_ms', 'value': coalesce(jvm_gc_ms(s.stopping), try_cast(s.reaching_ns AS DOUBLE) / 1000000)::VARCHAR},
        {'key': 'application_ms', 'value': coalesce(jvm_gc_ms(s.application), try_cast(s.since_ns AS DOUBLE) / 1000000)::VARCHAR},
        {'key': 'safepoint', 'value': nullif(s.operation, '')}
    ], lambda entry: entry.value IS NOT NULL) AS entries
    FROM judged
)
SELECT
    origin, raw,
    CASE WHEN is_event THEN 'jvm_gc' ELSE 'app_log' END AS dataset,
    CASE WHEN NOT coalesce(is_known OR is_cut, false)
         THEN 'decorations: ' || left(line, 60) || ' does not begin with those of a JVM; expected [time][uptime][level][tags] and a message'
         WHEN d.time <> '' AND written_time IS NULL
         THEN 'time: ' || d.time || ' is not a time; expected 2026-11-22T13:04:05.123+0900' END AS reject_reason,
    coalesce(written_time, clock_time, CASE WHEN origin.wrapper_time IS NULL AND d.time = '' THEN getvariable('landing')::TIMESTAMP END) AS event_time,
    CASE WHEN written_time IS NOT NULL THEN iso_basis(parts, getvariable('zone'))
         WHEN clock_time IS NOT NULL THEN 'epoch' ELSE 'landing_hour' END AS time_basis,
    CASE WHEN is_cut OR (is_event AND a.action = '') THEN 'partial' ELSE 'ok' END AS parse_status,
    nullif(d.host, '') AS host_name,
    CASE WHEN is_event THEN try_cast(g.gc_id AS BIGINT) END AS gc_id,
    CASE WHEN is_event THEN jvm_gc_collector(a.action, a.cause, g.generation, d.tags) END AS jvm_gc_name,
    CASE WHEN is_event THEN coalesce(nullif(a.action, ''), p.phase) END AS jvm_gc_action,
    CASE WHEN is_event THEN nullif(a.cause, '') END AS jvm_gc_cause,
    CASE WHEN is_event AND starts_with(p.phase, 'Pause ') THEN jvm_gc_number(p.duration) * CASE p.unit WHEN 's' THEN 1000 ELSE 1 END END AS pause_ms,
    CASE WHEN is_event THEN jvm_gc_bytes(p.before) END AS heap_before_bytes,
    CASE WHEN is_event THEN jvm_gc_bytes(p.after) END AS heap_after_bytes,
    CASE WHEN is_event THEN jvm_gc_bytes(p.committed) END AS heap_committed_bytes,
    CASE WHEN is_event THEN uptime_ms END AS uptime_ms,
    CASE WHEN NOT is_event THEN nullif(d.level, '') END AS severity_text,
    CASE WHEN NOT is_event THEN nullif(d.tags, '') END AS logger_name,
    CASE WHEN NOT is_event THEN try_cast(nullif(d.pid, '') AS BIGINT) END AS process_pid,
    CASE WHEN NOT is_event THEN nullif(CASE WHEN is_cut THEN d.cut WHEN is_known THEN d.message ELSE line END, '') END AS body,
    attributes_of(entries) AS attributes
FROM listed
