-- title: attributes, and how many rows have them
-- dataset: web_access, app_log, jvm_gc, audit, db_query, net_flow, json_event
-- grain: hour_start, source_name, dataset, attribute
-- every row has the attribute '': its count is the rows of the hour
WITH keyed AS (
    SELECT source_name, unnest(list_distinct(list_append(list_transform(map_keys(attributes), lambda key: left(key, 200)), ''))) AS attribute
    FROM events
)
SELECT
    getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, getvariable('dataset')::VARCHAR AS dataset, attribute,
    count(*)::BIGINT AS rows
FROM keyed GROUP BY ALL
