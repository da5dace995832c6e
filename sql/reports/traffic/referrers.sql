-- title: Referring sites
-- note: External, people only.
-- reads: metrics_visitor_hourly
WITH referring AS (
    SELECT referrer_host, sum(requests) AS requests, sum(sum(requests)) OVER () AS total FROM metrics_visitor_hourly
    WHERE url_path IS NULL AND referrer_host IS NOT NULL GROUP BY referrer_host
)
SELECT referrer_host, count(DISTINCT visitor) AS visitors, sum(requests)::BIGINT AS requests
FROM metrics_visitor_hourly
WHERE referrer_host IS NOT NULL AND url_path IS NOT NULL
    AND referrer_host NOT IN (SELECT referrer_host FROM referring WHERE requests >= 0.1 * total)
GROUP BY referrer_host ORDER BY visitors DESC, requests DESC, referrer_host LIMIT 10
