-- title: Referring sites
-- note: External, people only.
-- reads: metrics_visitor_hourly
SELECT referrer_host, count(DISTINCT visitor) AS visitors, sum(requests)::BIGINT AS requests
FROM metrics_visitor_hourly
WHERE referrer_host IS NOT NULL AND url_path IS NOT NULL
    AND referrer_host NOT IN (SELECT referrer_host FROM report.step_own)
GROUP BY referrer_host ORDER BY visitors DESC, requests DESC, referrer_host LIMIT 10
