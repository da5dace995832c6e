-- title: Server errors in an hour far above the median hour of the period
-- reads: metrics_traffic_hourly, metrics_path_hourly
WITH hours AS (
    SELECT hour_start, sum(requests)::BIGINT AS requests, coalesce(sum(requests) FILTER (http_response_status_class = '5xx'), 0)::BIGINT AS errors
    FROM metrics_traffic_hourly GROUP BY hour_start
), worst AS (
    SELECT *, median(errors / requests) OVER () AS usual, (count(*) OVER ())::BIGINT AS hours FROM hours
    QUALIFY row_number() OVER (ORDER BY errors DESC, hour_start) = 1
), paths AS (
    SELECT url_path, sum(server_errors)::BIGINT AS errors FROM metrics_path_hourly
    WHERE hour_start IN (SELECT hour_start FROM worst) AND server_errors > 0 GROUP BY url_path
), path AS (
    SELECT * FROM paths ORDER BY errors DESC, url_path LIMIT 1
)
SELECT 'bad' AS level, (worst.errors / requests)::DOUBLE AS rank, 'Server errors' AS headline,
    human_hour(hour_start) || ': ' || plural(worst.errors, 'response') || ' with 5xx, ' || human_share(worst.errors, requests) || ' of ' || plural(requests, 'request') AS number,
    CASE WHEN hours = 1 THEN 'The only hour of the period, so there is none to compare it with'
         ELSE 'Over ' || human_count(hours) || ' hours the median is ' || CASE WHEN usual = 0 THEN '0%' ELSE human_percent(100 * usual) END END AS baseline,
    upper(left(human_mostly(coalesce(url_path, '(no path)'), path.errors, worst.errors), 1))
        || human_mostly(coalesce(url_path, '(no path)'), path.errors, worst.errors)[2:] AS who,
    'SELECT url_path, sum(server_errors)::BIGINT AS server_errors, sum(requests)::BIGINT AS requests FROM metrics_path_hourly WHERE '
        || sql_hours(hour_start, hour_start) || ' AND server_errors > 0 GROUP BY url_path ORDER BY ALL DESC' AS check_sql
FROM worst, path
WHERE worst.errors >= 10 AND worst.errors >= 0.01 * requests AND worst.errors / requests >= 3 * usual
