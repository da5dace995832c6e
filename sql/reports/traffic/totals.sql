-- title: Totals
-- reads: metrics_traffic_hourly, metrics_visitor_hourly, metrics_client_hourly
WITH traffic AS (
    SELECT coalesce(sum(requests), 0)::BIGINT AS requests,
        coalesce(sum(requests - coalesce(assets, 0)) FILTER (NOT is_bot), 0)::BIGINT AS page_views,
        coalesce(sum(bytes), 0)::BIGINT AS bytes,
        coalesce(sum(requests) FILTER (http_response_status_class = '4xx'), 0)::BIGINT AS client_errors,
        coalesce(sum(requests) FILTER (http_response_status_class = '5xx'), 0)::BIGINT AS server_errors,
        coalesce(sum(requests) FILTER (is_bot), 0)::BIGINT AS bots,
        coalesce(sum(partial), 0)::BIGINT AS partial,
        count(DISTINCT hour_start) AS hours
    FROM metrics_traffic_hourly
)
SELECT traffic.*,
    (SELECT count(DISTINCT visitor) FROM metrics_visitor_hourly) AS visitors,
    (SELECT coalesce(sum(requests), 0)::BIGINT FROM metrics_client_hourly WHERE bot_category = 'ai') AS ai_crawlers
FROM traffic
