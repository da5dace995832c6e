-- title: one row for each published partition, from the metadata of its file
WITH footers AS (
    SELECT file_name, decode(value) AS kept FROM {footers} WHERE decode(key) = 'logbucket'
), counted AS (
    SELECT file_name, num_rows FROM {counts}
), written AS (
    SELECT filename, make_timestamp(epoch_us(last_modified) // 1000000 * 1000000) AS published_time FROM {files}
), changed AS (
    SELECT regexp_extract(file, '/revisions/(.*)/\d+\.json$', 1) AS place, max(regexp_extract(file, '(\d+)\.json$', 1)::BIGINT) AS revision
    FROM glob({revisions}) GROUP BY ALL
), placed AS (
    SELECT filename[length({root}) + 1:] AS key, published_time, num_rows AS rows, kept,
        regexp_extract(filename, '/events/([^/]+)/event_date=([^/]+)/event_hour=(\d+)/([^/]+)\.parquet$', ['dataset', 'day', 'hour', 'source']) AS named,
        list_transform(map_entries(coalesce(from_json(kept, '{"slices": "MAP(VARCHAR, JSON)"}').slices, MAP {})),
            lambda slice: {'hour': split_part(slice.key, '/', 1), 'rows': (slice.value ->> '$[0]')::BIGINT}) AS slices
    FROM written
    JOIN counted ON counted.file_name = filename
    LEFT JOIN footers ON footers.file_name = filename
)
SELECT named.source AS source_name, named.dataset AS dataset,
    named.day::TIMESTAMP + to_hours(named.hour::BIGINT) AS hour_start,
    rows,
    (kept ->> '$.staged')::BIGINT AS staged,
    (kept ->> '$.duplicates')::BIGINT AS duplicates,
    len(slices) AS slices,
    list_sort(list_distinct(list_transform(slices, lambda slice: slice.hour))) AS landing_hours,
    map_from_entries(list_transform(list_sort(list_distinct(list_transform(slices, lambda slice: slice.hour))), lambda landed:
        (landed, list_sum(list_transform(list_filter(slices, lambda slice: slice.hour = landed), lambda slice: slice.rows))))) AS rows_by_landing_hour,
    coalesce(revision, 1) AS revision,
    published_time,
    kept ->> '$.inputs' AS inputs,
    coalesce(kept ->> '$.content', '') AS content,
    key
FROM placed
LEFT JOIN changed ON changed.place = named.source || '/' || named.dataset || '/event_date=' || named.day || '/event_hour=' || named.hour
WHERE named.source <> ''
