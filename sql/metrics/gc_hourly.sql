-- title: pauses, heap and worst minutes of each JVM
-- dataset: jvm_gc
-- grain: hour_start, source_name, service_name, host_name
-- pause_histogram merges as duration_histogram of latency_hourly does; worst_minutes are the fifteen with the longest sum of pauses
WITH minutes AS (
    SELECT source_name, service_name, host_name, date_trunc('minute', event_time) AS minute,
        count(*) AS collections,
        count(pause_ms) AS pauses,
        sum(round(pause_ms * 1000)::HUGEINT) AS pause_us,
        max(pause_ms) AS longest_ms,
        arg_max(jvm_gc_action, (pause_ms, event_time, source_uri, source_line)) FILTER (pause_ms IS NOT NULL) AS jvm_gc_action,
        arg_max(jvm_gc_cause, (pause_ms, event_time, source_uri, source_line)) FILTER (pause_ms IS NOT NULL AND jvm_gc_cause IS NOT NULL) AS jvm_gc_cause,
        count(*) FILTER (pause_ms IS NOT NULL AND contains(lower(jvm_gc_action), 'full')) AS full_pauses,
        list(latency_bucket(pause_ms)) FILTER (pause_ms IS NOT NULL) AS buckets,
        min(heap_after_bytes) AS heap_after_min_bytes,
        max(heap_after_bytes) AS heap_after_max_bytes,
        arg_max({'time': event_time, 'bytes': heap_after_bytes}, (event_time, source_uri, source_line)) FILTER (heap_after_bytes IS NOT NULL) AS last_heap,
        max(heap_committed_bytes) AS heap_committed_bytes,
        sum(greatest(heap_before_bytes - heap_after_bytes, 0)) AS freed_bytes
    FROM events GROUP BY ALL
)
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, service_name, host_name,
    sum(collections)::BIGINT AS collections,
    sum(pauses)::BIGINT AS pauses,
    sum(full_pauses)::BIGINT AS full_pauses,
    (coalesce(sum(pause_us), 0) / 1000)::DOUBLE AS pause_sum_ms,
    max(longest_ms) AS pause_max_ms,
    list_transform(map_entries(list_aggregate(flatten(list(buckets)), 'histogram')),
        lambda item: {'b': item.key, 'n': item.value})::STRUCT(b SMALLINT, n UINTEGER)[] AS pause_histogram,
    min(heap_after_min_bytes)::BIGINT AS heap_after_min_bytes,
    max(heap_after_max_bytes)::BIGINT AS heap_after_max_bytes,
    arg_max(last_heap.bytes, last_heap.time)::BIGINT AS heap_after_last_bytes,
    max(heap_committed_bytes)::BIGINT AS heap_committed_bytes,
    coalesce(sum(freed_bytes), 0)::BIGINT AS freed_bytes,
    (list({'minute': minute, 'pauses': pauses, 'pause_ms': pause_us / 1000, 'longest_ms': longest_ms, 'jvm_gc_action': jvm_gc_action, 'jvm_gc_cause': jvm_gc_cause}
          ORDER BY pause_us DESC, minute) FILTER (pauses > 0))[1:15]
        ::STRUCT(minute TIMESTAMP, pauses UINTEGER, pause_ms DOUBLE, longest_ms DOUBLE, jvm_gc_action VARCHAR, jvm_gc_cause VARCHAR)[] AS worst_minutes
FROM minutes GROUP BY ALL
