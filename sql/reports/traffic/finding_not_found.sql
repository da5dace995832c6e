-- title: Links of the site itself that lead nowhere, and the file that is missed most
-- reads: metrics_not_found_hourly
WITH misses AS (
    SELECT sum(requests)::BIGINT AS total FROM metrics_not_found_hourly
), pages AS (
    SELECT url_path, referrer_host || referrer_path AS page, sum(requests)::BIGINT AS requests FROM metrics_not_found_hourly
    WHERE referrer_host IN (SELECT referrer_host FROM report.step_own) AND NOT is_bot GROUP BY ALL
), page AS (
    SELECT url_path, arg_max(page, (requests, page)) AS page FROM pages GROUP BY url_path
), links AS (
    SELECT 'warn' AS level, linked::DOUBLE AS rank, 'Broken link on your own site' AS headline, url_path,
        shortened(url_path) || ': ' || plural(linked, 'click') || ' led to a 404' AS number,
        human_share(linked, total) || ' of all ' || human_count(total) || ' not found' AS baseline,
        'Linked from ' || shortened(page) AS who,
        ' AND NOT is_bot AND referrer_host IN (' || (SELECT string_agg(sql_text(referrer_host), ', ' ORDER BY referrer_host) FROM report.step_own) || ')' AS narrowed
    FROM report.not_found JOIN page USING (url_path), misses WHERE kind = 'broken link' AND linked >= 5
    ORDER BY linked DESC, url_path LIMIT 3
), missed AS (
    SELECT 'warn' AS level, requests::DOUBLE AS rank, 'Most-missed file' AS headline, url_path,
        shortened(url_path) || ' is ' || human_count(requests) || ' of ' || human_count(total) || ' not found (' || human_share(requests, total) || ')' AS number,
        'A like share of ' || human_count(paths) || ' missing paths would be ' || human_share(1, paths) AS baseline,
        'Asked for by ' || plural(clients, 'client') || ', first of all ' || mostly AS who, '' AS narrowed
    FROM report.not_found, misses, (SELECT count(DISTINCT url_path) AS paths FROM metrics_not_found_hourly)
    WHERE kind = 'missing file' AND requests >= 10 AND requests >= 0.1 * total AND paths > 1
    ORDER BY requests DESC, url_path LIMIT 1
)
SELECT level, rank, headline, number, baseline, who,
    'SELECT referrer_host, referrer_path, user_agent_name, sum(requests)::BIGINT AS requests, (sum(sum(requests)) OVER ())::BIGINT AS total '
        || 'FROM metrics_not_found_hourly WHERE url_path = ' || sql_text(url_path) || narrowed || ' AND '
        || sql_hours(getvariable('first_hour'), getvariable('last_hour')) || ' GROUP BY ALL ORDER BY requests DESC, referrer_host, referrer_path, user_agent_name LIMIT 50' AS check_sql
FROM (FROM links UNION ALL FROM missed) ORDER BY ALL
