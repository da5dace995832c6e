-- title: the requests of traffic_hourly are the rows of its partition
-- reads: books, metrics_traffic_hourly
-- dataset: web_access
SELECT hour_start, published.rows AS published, requests
FROM (SELECT * FROM books WHERE source_name = getvariable('source_name') AND dataset = 'web_access') AS published
FULL JOIN (SELECT hour_start, sum(requests) AS requests FROM metrics_traffic_hourly
           WHERE source_name = getvariable('source_name') GROUP BY hour_start) USING (hour_start)
SEMI JOIN touched_hours USING (hour_start)
WHERE published.rows IS DISTINCT FROM requests
