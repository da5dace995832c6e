-- title: Who is the traffic
-- note: The three busiest hours by requests and by bandwidth: the network, agent or path whose share rose most over what is usual for it.
-- reads: metrics_traffic_hourly, history_traffic_hourly, metrics_client_hourly, history_client_hourly, metrics_path_hourly, history_path_hourly
-- "usual" is in the same hours of the weeks before, where there are four of them at least; else in the other hours of the period.
-- A week bears a comparison from when on the sources are known that have a tenth of the hour or more. Twice the usual is asked of a
-- spike, too: among a few weeks that swing by a fifth some hour of most days is 3.5 deviations above the others
WITH hours AS (
    UNPIVOT (SELECT hour_start, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes FROM metrics_traffic_hourly GROUP BY hour_start)
    ON requests, bytes INTO NAME measure VALUE amount
), top AS (
    SELECT measure, hour_start, amount, median(amount) OVER (PARTITION BY measure) AS median_amount,
        row_number() OVER (PARTITION BY measure ORDER BY amount DESC, hour_start) AS place
    FROM hours WHERE amount > 0 QUALIFY place <= 3
), past AS (
    SELECT hour_start, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes FROM history_traffic_hourly
    WHERE hour_start IN (SELECT top.hour_start - to_days(7 * week::INTEGER) FROM top, range(1, 9) AS weeks(week)) GROUP BY hour_start
), of_sources AS (
    SELECT hour_start, source_name, sum(requests) >= 0.1 * sum(sum(requests)) OVER same OR sum(bytes) >= 0.1 * sum(sum(bytes)) OVER same AS is_large
    FROM metrics_traffic_hourly WHERE hour_start IN (SELECT hour_start FROM top) GROUP BY hour_start, source_name WINDOW same AS (PARTITION BY hour_start)
), known AS (
    SELECT source_name, min(hour_start) AS since FROM history_traffic_hourly GROUP BY source_name
), bearing AS (
    SELECT of_sources.hour_start, max(since) AS since FROM of_sources JOIN known USING (source_name) WHERE is_large GROUP BY of_sources.hour_start
), compared AS (
    SELECT measure, top.hour_start, past.hour_start AS past_start, CASE measure WHEN 'requests' THEN requests ELSE bytes END AS past_amount
    FROM top JOIN bearing USING (hour_start) JOIN past ON past.hour_start BETWEEN since AND top.hour_start - INTERVAL 7 DAY
        AND dayofweek(past.hour_start) = dayofweek(top.hour_start) AND hour(past.hour_start) = hour(top.hour_start)
    WHERE CASE measure WHEN 'requests' THEN requests ELSE bytes END > 0
), earlier AS (
    SELECT measure, hour_start, list(past_amount ORDER BY past_start) AS amounts FROM compared GROUP BY ALL
), judged AS (
    SELECT top.*, coalesce(len(amounts), 0) AS weeks, CASE WHEN len(amounts) >= 4 THEN list_median(amounts) END AS usual_amount,
        CASE WHEN len(amounts) >= 4 THEN robust_z(amount, amounts) END AS z
    FROM top LEFT JOIN earlier USING (measure, hour_start)
), of_hours AS (
    SELECT hour_start, 'network' AS kind, client_network AS name, requests, bytes FROM metrics_client_hourly
    UNION ALL SELECT hour_start, 'agent', user_agent_name, requests, bytes FROM metrics_client_hourly
    UNION ALL SELECT hour_start, 'path', url_path, requests, bytes FROM metrics_path_hourly
), parts AS (
    SELECT hour_start, kind, name, sum(requests) AS requests, sum(bytes) AS bytes FROM of_hours
    WHERE hour_start IN (SELECT hour_start FROM top) AND name IS NOT NULL GROUP BY ALL
), candidates AS (
    SELECT measure, hour_start, weeks, amount, kind, name, CASE measure WHEN 'requests' THEN requests ELSE bytes END::BIGINT AS part
    FROM judged JOIN parts USING (hour_start) WHERE CASE measure WHEN 'requests' THEN requests ELSE bytes END >= 0.05 * amount
), of_past AS (
    SELECT hour_start, 'network' AS kind, client_network AS name, requests, bytes FROM history_client_hourly WHERE hour_start IN (SELECT hour_start FROM past)
    UNION ALL SELECT hour_start, 'agent', user_agent_name, requests, bytes FROM history_client_hourly WHERE hour_start IN (SELECT hour_start FROM past)
    UNION ALL SELECT hour_start, 'path', url_path, requests, bytes FROM history_path_hourly WHERE hour_start IN (SELECT hour_start FROM past)
), past_parts AS (
    SELECT hour_start, kind, name, sum(requests) AS requests, sum(bytes) AS bytes FROM of_past
    WHERE (kind, name) IN (SELECT (kind, name) FROM candidates) GROUP BY ALL
), usual_past AS (
    SELECT measure, candidates.hour_start, kind, name, sum(CASE measure WHEN 'requests' THEN requests ELSE bytes END) AS part
    FROM candidates JOIN compared USING (measure, hour_start) JOIN past_parts USING (kind, name)
    WHERE past_parts.hour_start = past_start GROUP BY ALL
), past_totals AS (
    -- of the metric that the part is of: it may be younger than the others
    SELECT measure, compared.hour_start, kind, sum(CASE measure WHEN 'requests' THEN requests ELSE bytes END) AS total
    FROM compared JOIN (SELECT hour_start AS past_start, kind, sum(requests) AS requests, sum(bytes) AS bytes FROM of_past GROUP BY ALL) USING (past_start)
    GROUP BY ALL
), period_parts AS (
    SELECT kind, name, sum(requests) AS requests, sum(bytes) AS bytes FROM of_hours
    WHERE (kind, name) IN (SELECT (kind, name) FROM candidates) GROUP BY ALL
), totals AS (
    SELECT kind, sum(requests) AS requests, sum(bytes) AS bytes FROM of_hours GROUP BY kind
), rest AS (
    SELECT hour_start, kind, totals.requests - sum(of_hours.requests) AS requests, totals.bytes - sum(of_hours.bytes) AS bytes
    FROM of_hours JOIN totals USING (kind) WHERE hour_start IN (SELECT hour_start FROM top) GROUP BY hour_start, kind, totals.requests, totals.bytes
), risen AS (
    SELECT candidates.*, candidates.part / amount AS share,
        CASE WHEN weeks >= 4 AND past_totals.total > 0 THEN coalesce(usual_past.part, 0) / past_totals.total
             WHEN CASE measure WHEN 'requests' THEN rest.requests ELSE rest.bytes END > 0
             THEN (CASE measure WHEN 'requests' THEN period_parts.requests ELSE period_parts.bytes END - candidates.part)
                 / CASE measure WHEN 'requests' THEN rest.requests ELSE rest.bytes END
        END AS usual_share
    FROM candidates LEFT JOIN rest USING (hour_start, kind) LEFT JOIN period_parts USING (kind, name)
    LEFT JOIN usual_past USING (measure, hour_start, kind, name) LEFT JOIN past_totals USING (measure, hour_start, kind)
), who AS (
    SELECT * FROM risen WHERE share > coalesce(usual_share, 0) QUALIFY row_number() OVER (
        PARTITION BY measure, hour_start ORDER BY round(share - coalesce(usual_share, 0), 9) DESC, part DESC, kind, name) = 1
)
SELECT judged.measure, judged.hour_start, judged.amount, judged.median_amount, judged.weeks, usual_amount, z, coalesce(z > 3.5 AND judged.amount >= 2 * usual_amount, false) AS is_spike,
    kind, name, part, share, usual_share
FROM judged LEFT JOIN who USING (measure, hour_start)
ORDER BY judged.measure DESC, judged.place
