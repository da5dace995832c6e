-- title: Hours with many rejected lines
-- reads: ledger, quarantine
-- objects that were refused whole are told of elsewhere; an hour stands out with ten lines or more, above 1% and, where
-- three hours bear one, five times the source's median hour
WITH hours AS (
    SELECT source_name, landing_hour, sum(lines)::BIGINT AS lines, sum(quarantined)::BIGINT AS quarantined FROM ledger WHERE problem IS NULL GROUP BY ALL HAVING sum(lines) > 0
), usual AS (
    SELECT source_name, count(*) AS hours, median(quarantined / lines) AS share FROM hours GROUP BY source_name
), worst AS (
    SELECT hours.*, usual.share, usual.hours FROM hours JOIN usual USING (source_name)
    WHERE quarantined >= 10 AND quarantined / lines > 0.01 AND (usual.hours < 3 OR quarantined / lines > 5 * share)
    QUALIFY row_number() OVER (PARTITION BY source_name ORDER BY quarantined / lines DESC, landing_hour) = 1
), reasons AS (
    SELECT source_name, date_trunc('hour', landing_date + to_hours(landing_hour)) AS landing_hour,
        regexp_replace(left(reject_reason, 120), '\d+', 'N', 'g') AS reason, sum(source_lines)::BIGINT AS lines
    FROM quarantine WHERE source_uri NOT IN (SELECT uri FROM ledger WHERE problem IS NOT NULL) GROUP BY ALL
), main AS (
    SELECT * FROM reasons QUALIFY row_number() OVER (PARTITION BY source_name, landing_hour ORDER BY lines DESC, reason) = 1
)
SELECT CASE WHEN worst.quarantined / worst.lines > 0.05 THEN 'bad' ELSE 'warn' END AS level, worst.quarantined / worst.lines AS rank,
    'Rejected lines of ' || source_name AS headline,
    human_share(worst.quarantined, worst.lines) || ' of the lines that landed at ' || human_hour(landing_hour) || ' (' || plural(worst.quarantined, 'line') || ')' AS number,
    CASE WHEN worst.hours < 3 THEN 'Too few hours to say what is usual'
         ELSE 'The median of ' || worst.hours || ' hours is ' || human_share(worst.share, 1) END AS baseline,
    coalesce(human_share(main.lines, worst.quarantined) || ' of them for: ' || main.reason, 'The records are no longer in quarantine') AS who,
    'SELECT reject_reason, source_uri, source_line, raw FROM quarantine WHERE source_name = ' || sql_text(source_name)
        || ' AND landing_date = DATE ''' || landing_hour::DATE || ''' AND landing_hour = ' || hour(landing_hour)
        || ' AND source_uri NOT IN (SELECT uri FROM ledger WHERE problem IS NOT NULL)' AS check_sql
FROM worst LEFT JOIN main USING (source_name, landing_hour) ORDER BY source_name
