-- title: Top pages
-- note: People only, assets excluded. Sorted by visitors, because one feed reader can fake any number of hits.
-- reads: metrics_visitor_hourly
-- a page has at most as many visitors as rows: those of pages with fewer rows than the fifteenth has visitors need not be counted
WITH paths AS (
    SELECT url_path, count(*) AS rows FROM metrics_visitor_hourly WHERE url_path IS NOT NULL GROUP BY url_path
), first AS (
    SELECT url_path FROM paths ORDER BY rows DESC, url_path LIMIT 15
), counted AS (
    SELECT count(DISTINCT visitor) AS visitors FROM metrics_visitor_hourly WHERE url_path IN (SELECT url_path FROM first) GROUP BY url_path
), least AS (
    SELECT min(visitors) AS visitors FROM counted
)
SELECT url_path, count(DISTINCT visitor) AS visitors, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes, sum(errors)::BIGINT AS errors
FROM metrics_visitor_hourly WHERE url_path IN (SELECT url_path FROM paths, least WHERE rows >= visitors)
GROUP BY url_path ORDER BY visitors DESC, requests DESC, url_path LIMIT 15
