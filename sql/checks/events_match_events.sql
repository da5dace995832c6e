-- title: the events of event_hourly are the rows of its partition
-- reads: books, metrics_event_hourly
-- dataset: json_event
SELECT hour_start, published.rows AS published, events
FROM (SELECT * FROM books WHERE source_name = getvariable('source_name') AND dataset = 'json_event') AS published
FULL JOIN (SELECT hour_start, sum(events) AS events FROM metrics_event_hourly
           WHERE source_name = getvariable('source_name') GROUP BY hour_start) USING (hour_start)
SEMI JOIN touched_hours USING (hour_start)
WHERE published.rows IS DISTINCT FROM events
