-- title: An hour stands out of the same hours of earlier weeks, or is the busiest by far
-- a spike is claimed from 3.5 robust deviations and twice the usual on; without four earlier weeks an hour is called busiest at most, from three
-- times the median hour of a day's length on; under 100 requests or a megabyte nothing is
-- reads: metrics_traffic_hourly
WITH period AS (
    SELECT count(DISTINCT hour_start) AS hours FROM metrics_traffic_hourly
), told AS (
    SELECT *, row_number() OVER (PARTITION BY measure ORDER BY is_spike DESC, amount DESC, hour_start) AS place,
        CASE measure WHEN 'bytes' THEN human_bytes(amount) ELSE plural(amount, 'request') END AS amount_text,
        CASE measure WHEN 'bytes' THEN human_bytes(usual_amount) ELSE plural(round(usual_amount), 'request') END AS usual_text
    FROM report.busiest, period WHERE (is_spike OR (amount >= 3 * median_amount AND hours >= 24)) AND amount >= CASE measure WHEN 'bytes' THEN 1000000 ELSE 100 END
)
SELECT CASE WHEN is_spike THEN 'warn' ELSE 'info' END AS level, coalesce(z, 0)::DOUBLE AS rank,
    CASE WHEN is_spike THEN 'Spike of ' ELSE 'Busiest hour, ' END || CASE measure WHEN 'bytes' THEN 'bandwidth' ELSE 'requests' END AS headline,
    human_hour(hour_start) || ': ' || amount_text AS number,
    CASE WHEN is_spike THEN human_times(amount, usual_amount) || ' the usual ' || usual_text || ' of this hour in the ' || weeks || ' weeks before, '
             || printf('%.1f', z) || ' robust deviations'
         WHEN weeks >= 4 THEN human_times(amount, median_amount) || ' the median hour, but within the usual swing of this hour in the ' || weeks || ' weeks before'
         ELSE human_times(amount, median_amount) || ' the median hour of the period; ' || CASE WHEN weeks = 0 THEN 'no earlier week'
             ELSE 'only ' || plural(weeks, 'earlier week') END || ' to compare with, so no spike is claimed' END AS baseline,
    CASE WHEN name IS NULL THEN 'Many at once: no network, agent or path has 5% of it and more than usual'
         ELSE human_share(part, amount) || ' from ' || kind || ' ' || shortened(name)
             || CASE WHEN usual_share IS NULL THEN '' WHEN usual_share = 0 THEN ', usually nothing' ELSE ', usually ' || human_percent(100 * usual_share) END END AS who,
    CASE WHEN name IS NULL THEN 'SELECT client_network, sum(' || measure || ')::BIGINT AS ' || measure || ', (sum(sum(' || measure || ')) OVER ())::BIGINT AS total FROM metrics_client_hourly WHERE '
            || sql_hours(hour_start, hour_start) || ' GROUP BY client_network ORDER BY ' || measure || ' DESC, client_network LIMIT 20'
         ELSE 'SELECT hour_start, sum(' || measure || ')::BIGINT AS ' || measure || ', (sum(' || measure || ') FILTER ('
            || CASE kind WHEN 'network' THEN 'client_network' WHEN 'agent' THEN 'user_agent_name' ELSE 'url_path' END || ' = ' || sql_text(name)
            || '))::BIGINT AS part FROM ' || CASE kind WHEN 'path' THEN 'metrics_path_hourly' ELSE 'metrics_client_hourly' END
            || ' WHERE dayofweek(hour_start) = ' || dayofweek(hour_start) || ' AND hour(hour_start) = ' || hour(hour_start) || ' AND '
            || sql_hours(hour_start - INTERVAL 56 DAY, hour_start) || ' GROUP BY hour_start ORDER BY hour_start' END AS check_sql
FROM told WHERE place = 1 ORDER BY ALL
