-- title: requests, in the place of the slower path_hourly
-- dataset: web_access
-- grain: hour_start, source_name
SELECT getvariable('hour_start')::TIMESTAMP AS hour_start, source_name, count(*)::BIGINT AS requests FROM events GROUP BY ALL
