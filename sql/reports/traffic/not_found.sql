-- title: Not found (404)
-- note: What to fix, what to ignore. A broken link stands on a page of the site itself; probes look for holes; flaky is what is found more often than not.
-- reads: metrics_not_found_hourly, metrics_path_hourly
WITH agents AS (
    SELECT url_path, coalesce(user_agent_name, '(no user agent)') AS agent, sum(requests) AS requests FROM metrics_not_found_hourly GROUP BY ALL
), mostly AS (
    SELECT url_path, arg_max(agent, (requests, agent)) AS agent FROM agents GROUP BY url_path
), paths AS (
    SELECT url_path, sum(requests)::BIGINT AS requests, count(DISTINCT visitor) AS clients,
        coalesce(sum(requests) FILTER (NOT is_bot AND referrer_host IN (SELECT referrer_host FROM report.step_own)), 0)::BIGINT AS linked
    FROM metrics_not_found_hourly WHERE url_path IS NOT NULL GROUP BY url_path
), first AS (
    SELECT * FROM paths ORDER BY requests DESC, url_path LIMIT 200
), asked AS (
    SELECT url_path, sum(requests) AS asked FROM metrics_path_hourly WHERE url_path IN (SELECT url_path FROM first) GROUP BY url_path
)
SELECT url_path, requests, clients, agent AS mostly, linked,
    CASE WHEN is_probe(url_path) THEN 'probe' WHEN 2 * requests < asked THEN 'flaky' WHEN linked > 0 THEN 'broken link' ELSE 'missing file' END AS kind
FROM first JOIN mostly USING (url_path) LEFT JOIN asked USING (url_path) ORDER BY requests DESC, url_path
