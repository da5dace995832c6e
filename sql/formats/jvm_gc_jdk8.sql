-- title: JVM garbage collection log of JDK 8 and before (-verbose:gc, -XX:+PrintGCDetails)
-- dataset: jvm_gc, app_log
-- detect: \[(?:Full )?GC[ \d(\[-]|\[(?:Full )?GC$|\[CMS-concurrent-|Total time for which application threads were stopped: |^(?:[^ ]+: )*Application time: \d|^\{?Heap(?: (?:before|after) (?:GC|gc) .*)?$|^CommandLine flags: -XX
-- priority: 60
-- record_start: ^(?:\d{4}-\d\d-\d\dT|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GC log |\d+[.,]\d{3,9}: |\[(?:Full )?GC\b|\[CMS-concurrent-| ?CMS: abort preclean|\{?Heap\b|Total time for which |Application time: |Java HotSpot|OpenJDK|CommandLine flags: )
-- heading: ^(?:\d{4}-\d\d-\d\dT[\d:.,+-]+Z?: ?)?(?:\d+[.,]\d+: )?\[(?:Full GC|GC(?:$|[^ ]| [^c]| c[^o]))
-- sample: 2026-11-22T13:04:05.123+0900: 4.512: [GC (Allocation Failure) [PSYoungGen: 65536K->10720K(76288K)] 65536K->57485K(251392K), 0.0273442 secs] [Times: user=0.02 sys=0.13, real=0.03 secs]
-- limits: a line without a date has that of the collection before it, else the landing hour; a collection torn apart by another thread's lines is the row of the part that has its duration; lines that end in a bare carriage return are not told apart
WITH stamped AS (
    SELECT origin, raw, heading, replace(raw, chr(13) || chr(10), chr(10)) AS line,
        jvm_gc_stamps(replace(raw, chr(13) || chr(10), chr(10))) AS h,
        jvm_gc_stamps(heading) AS started
    FROM records
), told AS (
    SELECT *,
        regexp_matches(h.rest, '^\[(?:Full GC|GC(?:$|[^ ]| [^c]| c[^o]))') AS is_collection,
        regexp_matches(h.rest, '^\[(?:GC concurrent|CMS-concurrent)-') AS is_concurrent,
        contains(h.rest, 'secs]') OR contains(h.rest, 'sec]') AS has_duration
    FROM stamped
), opened AS (
    SELECT *,
        -- without the details of G1, which follow the duration, and what other threads printed in between
        CASE WHEN has_duration THEN regexp_replace(regexp_replace(regexp_replace(replace(h.rest, '[GC ref-proc', '[ref-proc'),
            '\n\s*\[(?:Parallel Time|Eden|Times|Root Region Scan|Evacuation Failure|Code Root|Other):(?s:.*)$', ''),
            jvm_gc_interleaved(), '', 'g'),
            ' ?\[(?:Times:|Unloading class |SoftReference|WeakReference|FinalReference|PhantomReference|JNI Weak)[^\[\]]*\]', '', 'g') END AS opened
    FROM told
), stripped AS (
    SELECT *, jvm_gc_without_inner(jvm_gc_without_inner(jvm_gc_without_inner(opened))) AS outermost FROM opened
), totalled AS (
    SELECT *,
        regexp_extract_all(outermost, '\[(?:Full GC|GC)[^\[\]]*?, (\d{1,12}[.,]\d{1,12}) secs?\]', 1) AS totals,
        -- the end of a collection that began in an earlier record, or before the file does
        CASE WHEN NOT is_collection THEN regexp_extract(outermost, '^[^\[]*, (\d{1,12}[.,]\d{1,12}) secs?\]', 1) END AS torn,
        regexp_extract(CASE WHEN is_concurrent THEN h.rest END,
            '^\[(?:GC |)((?:CMS-)?concurrent-[a-z-]*[a-z])(?:: (\d{1,12}[.,]\d{1,12})/(\d{1,12}[.,]\d{1,12}) secs?|, (?:([^\[\]]*), )?(\d{1,12}[.,]\d{1,12}) secs?)?\]',
            ['phase', 'cpu', 'wall', 'more', 'secs']) AS c
    FROM stripped
), decided AS (
    SELECT *,
        coalesce(totals[1], nullif(torn, '')) AS pause,
        coalesce(totals[1], torn, '') <> '' AS is_pause,
        coalesce(torn, '') <> '' AND totals[1] IS NULL AS is_torn,
        coalesce(coalesce(totals[1], torn, '') = '' AND (c.wall <> '' OR c.secs <> ''), false) AS is_phase,
        regexp_extract(CASE WHEN NOT is_collection THEN h.rest END,
            '^(?:\d{1,12}[.,]\d{1,9})?(?:Total time for which application threads were stopped: (\d{1,12}[.,]\d{1,12}) seconds(?:, Stopping threads took: (\d{1,12}[.,]\d{1,12}) seconds)?|Application time: (\d{1,12}[.,]\d{1,12}) seconds)',
            ['stopped', 'stopping', 'application']) AS s
    FROM totalled
), headed AS (
    SELECT *,
        jvm_gc_head(CASE WHEN NOT is_pause THEN NULL WHEN is_torn THEN started.rest ELSE h.rest END) AS a,
        CASE WHEN is_torn THEN coalesce(started.rest, '') || opened WHEN is_pause THEN opened END AS whole,
        CASE WHEN is_torn AND started.time || started.uptime <> '' THEN started ELSE h END AS begun,
        regexp_extract(CASE WHEN is_pause THEN h.rest END,
            '\[Eden: ([^\[\]]*?)(?: Survivors: ([^\[\]]*?))? Heap: (\d{1,15}(?:[.,]\d{1,9})?[BKMGT])(?:\([^)]*\))?->(\d{1,15}(?:[.,]\d{1,9})?[BKMGT])\((\d{1,15}(?:[.,]\d{1,9})?[BKMGT])\)',
            ['eden', 'survivors', 'before', 'after', 'committed']) AS g1
    FROM decided
), measured AS (
    SELECT *,
        regexp_extract_all(a.notes, '\(((?:[^()]|\([^()]*\))*)\)', 1) AS notes,
        CASE WHEN g1.committed <> '' THEN {'before': g1.before, 'after': g1.after, 'committed': g1.committed}
             WHEN is_pause THEN jvm_gc_transition(outermost) END AS heap,
        regexp_extract(CASE WHEN is_pause THEN outermost END, '(?:^|[^\d.,>])(\d{1,15}[BKMGT])\((\d{1,15}[BKMGT])\) ?(?:icms_dc=\d+ )?, ', ['used', 'committed']) AS occupied,
        regexp_extract(CASE WHEN is_pause THEN h.rest END, '\[1 CMS-(initial-mark|remark): (\d{1,15}K)\((\d{1,15}K)\)', ['kind', 'used', 'committed']) AS cms,
        regexp_extract(CASE WHEN is_pause THEN h.rest END, 'YG occupancy: (\d{1,15}) K \((\d{1,15}) K\)', ['used', 'committed']) AS yg,
        regexp_extract(CASE WHEN is_pause OR is_phase THEN h.rest END,
            '(?s)^.*\[Times: user=(\d{1,12}[.,]\d{1,9}) sys=(\d{1,12}[.,]\d{1,9}), real=(\d{1,12}[.,]\d{1,9}) secs?\]', ['user', 'sys', 'real']) AS cpu,
        regexp_extract(CASE WHEN is_pause AND contains(h.rest, 'Desired') THEN h.rest END,
            'Desired survivor size (\d{1,18}) bytes, new threshold (\d{1,9}) \(max (\d{1,9})\)', ['size', 'threshold', 'most']) AS tenuring,
        jvm_gc_generation(CASE WHEN is_pause THEN opened END, 'PSYoungGen|ParNew|DefNew') AS young,
        jvm_gc_generation(CASE WHEN is_pause THEN opened END, 'ParOldGen|PSOldGen|Tenured|CMS: |CMS \(|CMS\(|CMS\n|CMS\d') AS old,
        regexp_extract(CASE WHEN is_pause THEN h.rest END, '\[(Metaspace|PSPermGen|CMS Perm|Perm) ?: (\d{1,15}K)->(\d{1,15}K)\((\d{1,15}K)\)', ['kind', 'before', 'after', 'committed']) AS meta,
        iso_parts(begun.time) AS parts,
        iso_parts(started.time) AS started_parts
    FROM headed
), timed AS (
    SELECT *,
        list_filter(notes, lambda note: note IN ('young', 'mixed', 'partial', 'initial-mark')) AS modes,
        list_filter(notes, lambda note: note NOT IN ('young', 'mixed', 'partial', 'initial-mark') AND NOT starts_with(note, 'to-space')) AS causes,
        CASE WHEN begun.time <> '' THEN iso_time(parts, getvariable('zone'))
             WHEN begun.uptime = '' AND started_parts.date <> '' THEN iso_time(started_parts, getvariable('zone')) END AS written_time,
        regexp_extract_all(h.rest, jvm_gc_interleaved()) AS interleaved,
        -- a stamp alone proves little: what follows has to be of a JVM
        (h.time <> '' AND h.uptime <> '') OR is_pause OR is_phase OR is_collection OR is_concurrent OR origin.flag = 'continuation'
            OR regexp_matches(h.rest, '^(?:\[[A-Z1]|(?:\d{1,12}[.,]\d{1,9})?(?:Total time for which |Application time: )|GC log |GC locker|\{?Heap\b|Java HotSpot|OpenJDK|CommandLine flags: |AdaptiveSize|[A-Za-z][\w ]* +\[ *(?:\d|threads:))') AS is_known
    FROM measured
), detailed AS (
    SELECT *,
        is_pause OR is_phase AS is_event,
        CASE WHEN is_pause THEN list_transform(
            list_filter(regexp_extract_all(h.rest, '\[[A-Za-z][A-Za-z0-9 ()/-]*(?:, \d+ refs)*, \d{1,12}[.,]\d{1,12} secs?\]'),
                lambda part: starts_with(part, '[GC ref-proc') OR NOT regexp_matches(part, '^\[(?:Full )?GC\b')),
            lambda part: {'key': jvm_gc_key(regexp_extract(part, '^\[([^,]*)', 1)) || '_secs',
                          'value': replace(regexp_extract(part, ', (\d+[.,]\d+) secs?\]$', 1), ',', '.')}) END AS phases,
        CASE WHEN is_pause AND contains(h.rest, ' refs, ') THEN list_transform(
            regexp_extract_all(h.rest, '\[[A-Za-z ]+, \d{1,18} refs'),
            lambda part: {'key': jvm_gc_key(regexp_extract(part, '^\[([^,]*)', 1)) || '_refs', 'value': regexp_extract(part, '(\d+) refs$', 1)}) END AS refs,
        CASE WHEN is_pause AND contains(h.rest, chr(10) || '- age') THEN list_transform(
            regexp_extract_all(h.rest, '\n- age +\d{1,3}: +\d{1,18} bytes'),
            lambda part: {'key': 'age_' || regexp_extract(part, 'age +(\d+)', 1) || '_bytes', 'value': regexp_extract(part, '(\d+) bytes$', 1)}) END AS ages,
        CASE WHEN is_pause AND contains(h.rest, chr(10) || '   [') THEN list_transform(
            list_filter(regexp_extract_all(h.rest, '\n +\[[A-Z][A-Za-z0-9 -]*(?: \((?:ms|bytes)\))?: +[^\[\]]*\]'),
                lambda part: NOT regexp_matches(part, '^\n +\[(?:Eden|Times|PSYoungGen|ParNew|DefNew)')),
            lambda part: {'key': jvm_gc_key(regexp_extract(part, '\[([^:]*):', 1)), 'value': trim(regexp_replace(regexp_extract(part, ': +([^\[\]]*)\]$', 1), '\s+', ' ', 'g'))}) END AS details,
        CASE WHEN is_pause AND contains(h.rest, chr(10)) THEN list_filter(string_split(h.rest, chr(10))[2:], lambda part: NOT regexp_matches(part,
            '^\s*$|^ *\[Times:[^\[\]]*\] *$|^ +\[[A-Z][A-Za-z0-9 -]*(?: \((?:ms|bytes)\))?: |^ +(?:Min: |[\d., -]+$)|^Desired survivor size \d+ bytes, new threshold \d+ \(max \d+\)$|^- age +\d+: +\d+ bytes, +\d+ total$|^ *\[(?:PSYoungGen|ParOldGen|PSOldGen)|^: \d+K->|^, \d+[.,]\d+ secs?\]|^ +\d+[BKMG]->\d+[BKMG]\(\d+[BKMG]\), \d|^ \(to-space \w+\), \d+[.,]\d+ secs\]$|^ \(concurrent mode |^(?:\d{4}-\S+: ?)?(?:\d+[.,]\d+: )?\[(?:GC concurrent|CMS-concurrent)-[^\[\]]*\](?: \[Times:.*)?$')) END AS others
    FROM timed
), listed AS (
    SELECT *, list_filter(list_concat([
        {'key': 'uptime_ms', 'value': CASE WHEN NOT is_event THEN jvm_gc_ms(h.uptime)::VARCHAR END},
        {'key': 'duration_ms', 'value': CASE WHEN is_phase THEN jvm_gc_ms(coalesce(nullif(c.wall, ''), c.secs))::VARCHAR END},
        {'key': 'cpu_ms', 'value': CASE WHEN is_phase THEN jvm_gc_ms(nullif(c.cpu, ''))::VARCHAR END},
        {'key': 'extra', 'value': CASE WHEN is_phase THEN nullif(c.more, '') END},
        {'key': 'abort', 'value': CASE WHEN h.abort <> '' THEN 'due to time' END},
        {'key': 'stopped_ms', 'value': jvm_gc_ms(s.stopped)::VARCHAR},
        {'key': 'stopping_ms', 'value': jvm_gc_ms(s.stopping)::VARCHAR},
        {'key': 'application_ms', 'value': jvm_gc_ms(s.application)::VARCHAR},
        {'key': 'young_before_bytes', 'value': jvm_gc_bytes(young.before)::VARCHAR},
        {'key': 'young_after_bytes', 'value': coalesce(jvm_gc_bytes(young.after), jvm_gc_bytes(yg.used || 'K'))::VARCHAR},
        {'key': 'young_committed_bytes', 'value': coalesce(jvm_gc_bytes(young.committed), jvm_gc_bytes(yg.committed || 'K'))::VARCHAR},
        {'key': 'young_secs', 'value': jvm_gc_point(young.secs)},
        {'key': 'old_before_bytes', 'value': jvm_gc_bytes(old.before)::VARCHAR},
        {'key': 'old_after_bytes', 'value': coalesce(jvm_gc_bytes(old.after), jvm_gc_bytes(cms.used))::VARCHAR},
        {'key': 'old_committed_bytes', 'value': coalesce(jvm_gc_bytes(old.committed), jvm_gc_bytes(cms.committed))::VARCHAR},
        {'key': 'old_secs', 'value': jvm_gc_point(old.secs)},
        {'key': CASE WHEN meta.kind = 'Metaspace' THEN 'metaspace_before_bytes' ELSE 'perm_before_bytes' END, 'value': jvm_gc_bytes(meta.before)::VARCHAR},
        {'key': CASE WHEN meta.kind = 'Metaspace' THEN 'metaspace_after_bytes' ELSE 'perm_after_bytes' END, 'value': jvm_gc_bytes(meta.after)::VARCHAR},
        {'key': CASE WHEN meta.kind = 'Metaspace' THEN 'metaspace_committed_bytes' ELSE 'perm_committed_bytes' END, 'value': jvm_gc_bytes(meta.committed)::VARCHAR},
        {'key': 'eden', 'value': nullif(g1.eden, '')},
        {'key': 'survivors', 'value': nullif(g1.survivors, '')},
        {'key': 'times_user_secs', 'value': jvm_gc_point(cpu.user)},
        {'key': 'times_sys_secs', 'value': jvm_gc_point(cpu.sys)},
        {'key': 'times_real_secs', 'value': jvm_gc_point(cpu.real)},
        {'key': 'desired_survivor_size_bytes', 'value': nullif(tenuring.size, '')},
        {'key': 'new_threshold', 'value': nullif(tenuring.threshold, '')},
        {'key': 'max_threshold', 'value': nullif(tenuring.most, '')},
        {'key': 'evacuation_failure', 'value': CASE WHEN is_pause THEN nullif(regexp_extract(h.rest, '\((to-space \w+)\)', 1), '') END},
        {'key': 'promotion_failed', 'value': CASE WHEN is_pause AND regexp_matches(h.rest, '\(promotion failed\)|^\[GC[^\[]*--') THEN 'true' END},
        {'key': 'concurrent_mode', 'value': CASE WHEN is_pause THEN nullif(regexp_extract(h.rest, '\(concurrent mode (\w+)\)', 1), '') END},
        {'key': 'gc_ref_proc_secs', 'value': CASE WHEN is_pause AND contains(h.rest, '[GC ref-proc') THEN jvm_gc_point(regexp_extract(h.rest, '\[GC ref-proc(?:[^\[\]]|\[[^\[\]]*\])*?, (\d{1,12}[.,]\d{1,12}) secs?\]', 1)) END},
        {'key': 'icms_dc', 'value': CASE WHEN is_pause THEN nullif(regexp_extract(h.rest, 'icms_dc=(\d{1,9})', 1), '') END},
        {'key': 'interleaved', 'value': CASE WHEN is_pause AND len(interleaved) > 0 THEN trim(regexp_replace(array_to_string(interleaved, ' '), '\s+', ' ', 'g')) END},
        {'key': 'other_lines', 'value': CASE WHEN len(others) > 0 THEN array_to_string(others, chr(10)) END},
        {'key': 'text', 'value': CASE WHEN is_event AND is_torn THEN line END}
    ], coalesce(phases, []), coalesce(refs, []), coalesce(ages, []), coalesce(details, [])), lambda entry: entry.value IS NOT NULL) AS entries
    FROM detailed
)
SELECT
    origin, raw,
    CASE WHEN is_event THEN 'jvm_gc' ELSE 'app_log' END AS dataset,
    CASE WHEN len(totals) > 1
         THEN 'line: ' || len(totals) || ' collections in one line; expected each to begin on a line of its own'
         WHEN begun.time <> '' AND written_time IS NULL
         THEN 'time: ' || left(begun.time, 60) || ' is not a time; expected 2026-11-22T13:04:05.123+0900'
         WHEN NOT coalesce(is_known, false)
         THEN 'event: ' || left(h.rest, 60) || ' is nothing a JVM logs; expected [GC, [Full GC, [CMS-concurrent- or Application time: after the stamps' END AS reject_reason,
    coalesce(written_time, CASE WHEN origin.wrapper_time IS NULL AND h.time = '' THEN getvariable('landing')::TIMESTAMP END) AS event_time,
    CASE WHEN written_time IS NULL THEN 'landing_hour'
         WHEN begun.time <> '' THEN iso_basis(parts, getvariable('zone'))
         ELSE iso_basis(started_parts, getvariable('zone')) END AS time_basis,
    CASE WHEN is_torn OR (is_pause AND a.kind = '') OR (is_collection AND NOT is_pause) OR (is_concurrent AND c.phase = '') OR regexp_matches(h.rest, '^\d')
              OR (h.uptime <> '' AND h.time <> '' AND NOT is_event AND NOT is_concurrent AND NOT is_collection AND s.stopped = '' AND s.application = ''
                  AND NOT regexp_matches(h.rest, '^(?:\[[A-Z1]|[A-Za-z][\w ]* +\[)')) THEN 'partial' ELSE 'ok' END AS parse_status,
    CASE WHEN is_event THEN CASE
         WHEN is_phase THEN CASE WHEN starts_with(c.phase, 'CMS') THEN 'CMS' ELSE 'G1' END
         WHEN regexp_matches(whole, '\[(?:PSYoungGen|ParOldGen|PSOldGen)') THEN 'Parallel'
         WHEN regexp_matches(whole, '\[(?:1 CMS-|CMS[: (\d\n])') THEN 'CMS'
         WHEN contains(whole, '[ParNew') THEN 'ParNew'
         WHEN regexp_matches(whole, '\[(?:DefNew|Tenured)') THEN 'Serial'
         WHEN g1.committed <> '' OR regexp_matches(whole, '\[GC (?:pause|remark|cleanup)|\[G1Ergonomics') THEN 'G1' END END AS jvm_gc_name,
    CASE WHEN is_phase THEN CASE WHEN starts_with(c.phase, 'CMS') THEN c.phase ELSE regexp_replace(c.phase, '-end$', '') END
         WHEN cms.kind = 'initial-mark' THEN 'CMS Initial Mark'
         WHEN cms.kind = 'remark' THEN 'CMS Final Remark'
         WHEN a.kind <> '' THEN a.kind || a.what || array_to_string(list_transform(modes, lambda mode: ' (' || mode || ')'), '') END AS jvm_gc_action,
    CASE WHEN is_pause THEN causes[1] END AS jvm_gc_cause,
    CASE WHEN is_pause THEN jvm_gc_ms(pause) END AS pause_ms,
    CASE WHEN is_pause THEN jvm_gc_bytes(heap.before) END AS heap_before_bytes,
    CASE WHEN is_pause THEN coalesce(jvm_gc_bytes(heap.after), jvm_gc_bytes(occupied.used)) END AS heap_after_bytes,
    CASE WHEN is_pause THEN coalesce(jvm_gc_bytes(heap.committed), jvm_gc_bytes(occupied.committed)) END AS heap_committed_bytes,
    CASE WHEN is_event THEN jvm_gc_ms(begun.uptime) END AS uptime_ms,
    CASE WHEN NOT is_event THEN CASE WHEN is_known THEN h.rest ELSE line END END AS body,
    attributes_of(entries) AS attributes
FROM listed
