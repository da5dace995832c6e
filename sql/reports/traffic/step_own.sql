-- title: A site's own hosts: those whose pages load its assets
-- reads: metrics_visitor_hourly
WITH referring AS (
    SELECT referrer_host, sum(requests) AS requests, sum(sum(requests)) OVER () AS total FROM metrics_visitor_hourly
    WHERE url_path IS NULL AND referrer_host IS NOT NULL GROUP BY referrer_host
)
SELECT referrer_host FROM referring WHERE requests >= 0.1 * total
