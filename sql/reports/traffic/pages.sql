-- title: Top pages
-- note: People only, assets excluded. Sorted by visitors, because one feed reader can fake any number of hits.
-- reads: metrics_visitor_hourly
SELECT url_path, count(DISTINCT visitor) AS visitors, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes, sum(errors)::BIGINT AS errors
FROM metrics_visitor_hourly WHERE url_path IS NOT NULL
GROUP BY url_path ORDER BY visitors DESC, requests DESC, url_path LIMIT 15
