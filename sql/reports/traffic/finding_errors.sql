-- title: Server errors in an hour far above the median hour of the period and of the weeks before
-- reads: metrics_traffic_hourly, history_traffic_hourly, metrics_path_hourly
WITH hours AS (
    SELECT hour_start, sum(requests)::BIGINT AS requests, coalesce(sum(requests) FILTER (http_response_status_class = '5xx'), 0)::BIGINT AS errors
    FROM metrics_traffic_hourly GROUP BY hour_start
), past AS (
    SELECT hour_start, sum(requests) AS requests, coalesce(sum(requests) FILTER (http_response_status_class = '5xx'), 0) AS errors
    FROM history_traffic_hourly WHERE hour_start < getvariable('first_hour') GROUP BY hour_start
), usual AS (
    SELECT median(errors / requests) AS share, count(*) AS hours, (SELECT count(*) FROM past) AS earlier
    FROM (SELECT errors, requests FROM hours UNION ALL SELECT errors, requests FROM past)
), worst AS (
    SELECT * FROM hours ORDER BY errors DESC, hour_start LIMIT 1
), paths AS (
    SELECT url_path, sum(server_errors)::BIGINT AS errors FROM metrics_path_hourly
    WHERE hour_start IN (SELECT hour_start FROM worst) AND server_errors > 0 GROUP BY url_path
), path AS (
    SELECT *, human_mostly(shortened(coalesce(url_path, '(no path)')), errors, (SELECT errors FROM worst)) AS who FROM paths ORDER BY errors DESC, url_path LIMIT 1
)
SELECT 'bad' AS level, (worst.errors / requests)::DOUBLE AS rank, 'Server errors' AS headline,
    human_hour(hour_start) || ': ' || plural(worst.errors, 'response') || ' with 5xx, ' || human_share(worst.errors, requests) || ' of ' || plural(requests, 'request') AS number,
    CASE WHEN hours = 1 THEN 'The only hour of the period, so there is none to compare it with'
         ELSE 'Over ' || human_count(hours) || ' hours' || CASE WHEN earlier > 0 THEN ', ' || human_count(earlier) || ' of them before,' ELSE '' END
             || ' the median is ' || human_percent((100 * share)::DOUBLE) END AS baseline,
    upper(who[1]) || who[2:] AS who,
    'SELECT url_path, sum(server_errors)::BIGINT AS server_errors, sum(requests)::BIGINT AS requests FROM metrics_path_hourly WHERE '
        || sql_hours(hour_start, hour_start) || ' GROUP BY ROLLUP (url_path) HAVING sum(server_errors) > 0 ORDER BY server_errors DESC, url_path' AS check_sql
FROM worst, usual, path
WHERE worst.errors >= 10 AND worst.errors >= 0.01 * requests AND (hours = 1 OR worst.errors / requests >= 3 * share)
