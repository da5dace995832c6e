-- title: sizes, seconds and decorations of the garbage collection logs of HotSpot
-- '4982,3M', '18.0B', '256K' → bytes; some locales write a decimal comma
CREATE OR REPLACE MACRO jvm_gc_bytes(size) AS try_cast(round(
    try_cast(replace(regexp_extract(size, '^\d{1,15}(?:[.,]\d{1,9})?'), ',', '.') AS DOUBLE)
    * map_extract_value(MAP {'B': 1, 'K': 1024, 'M': 1048576, 'G': 1073741824, 'T': 1099511627776}, right(size, 1))) AS BIGINT);

-- '0,0123456' seconds → milliseconds
CREATE OR REPLACE MACRO jvm_gc_ms(seconds) AS round(measured(try_cast(replace(seconds, ',', '.') AS DOUBLE) * 1000), 6);

CREATE OR REPLACE MACRO jvm_gc_number(digits) AS measured(try_cast(replace(digits, ',', '.') AS DOUBLE));

-- 'GC Worker Start', 'SoftReference', 'scrub symbol table' → lower_snake_case
CREATE OR REPLACE MACRO jvm_gc_key(name) AS trim(lower(regexp_replace(
    regexp_replace(name, '([a-z])([A-Z])', '\1_\2', 'g'), '[^A-Za-z0-9]+', '_', 'g')), '_');

-- Decorations of unified logging come in a fixed order, each may be missing: time, utctime, uptime, timemillis, uptimemillis,
-- timenanos, uptimenanos, hostname, pid, tid, level, tags. A host name looks like a tag: it is looked for only where a
-- line cannot be read without one.
CREATE OR REPLACE MACRO jvm_gc_decorations(line) AS regexp_extract(line,
    '^(?:\[(\d{4}-\d\d-\d\dT[\d:.,+Z-]{8,24})\])?(?:\[(\d{4}-\d\d-\d\dT[\d:.,+Z-]{8,24})\])?(?:\[(\d{1,12}[.,]\d{1,9})s\])?(?:\[(\d{1,15})ms\])?(?:\[(\d{1,15})ms\])?(?:\[(\d{1,19})ns\])?(?:\[(\d{1,19})ns\])?()(?:\[(\d{1,18}) *\])?(?:\[(\d{1,18}) *\])?(?:\[(trace|debug|info|warning|error) *\])?(?:\[([a-z][a-z0-9_]*(?:,[a-z0-9_]+)*) *\])?(?:(\[[^\]]*)| ((?s:.*))|())$',
    ['time', 'utctime', 'uptime', 'millis', 'more_millis', 'nanos', 'more_nanos', 'host', 'pid', 'tid', 'level', 'tags', 'cut', 'message', 'nothing']);

CREATE OR REPLACE MACRO jvm_gc_decorations_with_host(line) AS regexp_extract(line,
    '^(?:\[(\d{4}-\d\d-\d\dT[\d:.,+Z-]{8,24})\])?(?:\[(\d{4}-\d\d-\d\dT[\d:.,+Z-]{8,24})\])?(?:\[(\d{1,12}[.,]\d{1,9})s\])?(?:\[(\d{1,15})ms\])?(?:\[(\d{1,15})ms\])?(?:\[(\d{1,19})ns\])?(?:\[(\d{1,19})ns\])?\[([\w.-]+) *\](?:\[(\d{1,18}) *\])?(?:\[(\d{1,18}) *\])?(?:\[(trace|debug|info|warning|error) *\])?(?:\[([a-z][a-z0-9_]*(?:,[a-z0-9_]+)*) *\])?(?:(\[[^\]]*)| ((?s:.*))|())$',
    ['time', 'utctime', 'uptime', 'millis', 'more_millis', 'nanos', 'more_nanos', 'host', 'pid', 'tid', 'level', 'tags', 'cut', 'message', 'nothing']);

-- an uptime of more than thirty years is a clock that began in 1970
CREATE OR REPLACE MACRO jvm_gc_is_epoch(uptime_ms) AS uptime_ms >= 1e12;

-- the collector that a line of unified logging names by its cause, phase or tags; NULL where several log the same
CREATE OR REPLACE MACRO jvm_gc_collector(action, cause, generation, tags) AS
    CASE WHEN generation <> '' OR regexp_matches(action, '^(?:(?:Garbage|Minor|Major) Collection$|Pause (?:Mark|Relocate) |Concurrent (?:Mark (?:Continue|Free|Follow|Roots|Remset Roots)|Process Non-Strong|(?:Select|Reset|Prepare) Relocation Set|Relocate|Remap|Destroy Detached Pages|References Processing|Reset Relocation))') THEN 'ZGC'
         WHEN starts_with(cause, 'G1 ') OR regexp_matches(action, '^(?:Pause (?:Young|Initial Mark|Mixed|Full) ?\((?:Normal|Mixed|Prepare Mixed|Concurrent Start|Concurrent End|Initial Mark|Cleanup)\)|Pause (?:Mixed|Cleanup)$|Concurrent (?:Cycle|Mark Cycle|Undo Cycle|Mark From Roots|Clear Claimed Marks|Scan Root Regions|Create Live Data|Rebuild Remembered Sets|Rebuild Remembered Sets and Scrub Regions|Cleanup for Next Mark|Complete Cleanup|Cleanup|String Deduplication|Refine)$)') THEN 'G1'
         WHEN action = 'Concurrent Mark' OR action = 'Concurrent Preclean'
         THEN CASE WHEN tags = 'gc' THEN 'CMS' WHEN contains(tags, 'marking') THEN 'G1' WHEN contains(tags, 'phases') THEN 'ZGC' END
         WHEN regexp_matches(action, '^(?:Pause Initial Mark|Concurrent (?:Abortable Preclean|Sweep|Reset))$') THEN 'CMS'
         WHEN regexp_matches(action, '^(?:Pause (?:Init Mark|Final Mark|Init Update Refs|Final Update Refs|Final Evac|Final Roots|Init Traversal|Final Traversal|Degenerated GC)|Concurrent [a-z])') THEN 'Shenandoah' END;

-- Before JDK 9. Date stamp, uptime stamp, what follows; each stamp may be missing.
CREATE OR REPLACE MACRO jvm_gc_stamps(text) AS regexp_extract(text,
    '^( ?CMS: abort preclean due to time )?(?:(\d{4}-\d\d-\d\d[T ][\d:.,]*\d(?:Z|[+-]\d\d:?\d\d)?)(?:: ?| ))?(?:(\d{1,12}[.,]\d{1,9}): ?)?((?s:.*))$',
    ['abort', 'time', 'uptime', 'rest']);

-- what concurrent threads print into the middle of a collection
CREATE OR REPLACE MACRO jvm_gc_interleaved() AS
    '(?:\d{4}-\d\d-\d\dT[\d:.,+-]+Z?: ?)?(?:\d{1,12}[.,]\d{1,9}: ?)?\[(?:GC concurrent-|CMS-concurrent-)[^\[\]]*\](?: \[Times:[^\[\]]*\] ?)?\n?';

-- brackets within a collection are taken out from the innermost; the collection itself begins with GC or Full GC
CREATE OR REPLACE MACRO jvm_gc_without_inner(text) AS
    regexp_replace(text, '\[(?:[^\[\]GF]|G[^\[\]C]|F[^\[\]u])[^\[\]]*\]', '', 'g');

CREATE OR REPLACE MACRO jvm_gc_head(text) AS regexp_extract(text,
    '^\[(Full GC|GC)( pause| remark| cleanup)?((?: ?\((?:[^()\n]|\([^()\n]*\))*\))*)', ['kind', 'what', 'notes']);

CREATE OR REPLACE MACRO jvm_gc_transition(text) AS regexp_extract(text,
    '^(?s:.*[^\d.,])?(\d{1,15}(?:[.,]\d{1,9})?[BKMGT])->(\d{1,15}(?:[.,]\d{1,9})?[BKMGT])\((\d{1,15}(?:[.,]\d{1,9})?[BKMGT])\)',
    ['before', 'after', 'committed']);

CREATE OR REPLACE MACRO jvm_gc_generation(text, names) AS regexp_extract(text,
    '\[(?:' || names || ')(?:[^\[\]]*?[^\d\[\]])?(\d{1,15}[BKMGT])->(\d{1,15}[BKMGT])\((\d{1,15}[BKMGT])\)(?:, (\d{1,12}[.,]\d{1,9}) secs)?',
    ['before', 'after', 'committed', 'secs']);

CREATE OR REPLACE MACRO jvm_gc_point(digits) AS nullif(replace(digits, ',', '.'), '');
