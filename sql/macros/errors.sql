-- title: states of error groups
-- error_groups('history_error_hourly', 'history_severity_hourly', first, last): one row for each group of errors that occurred in
-- the event hours first..last, from these two views, which reach back eight weeks more. The state is the first that holds:
--   new         never seen before, though its service had logged on at least 7 days before
--   regressed   came back in these hours after at least 14 days, on 7 of which its service logged
--   escalating  in the same hours of at least 4 earlier weeks since it is known it was clearly rarer
--   known       all others
-- The rate is compared over these hours, of long periods over their last 7 days. Only event hours decide, no clock.
CREATE OR REPLACE MACRO error_groups(errors_view, messages_view, first, last) AS TABLE
WITH bounds AS (
    SELECT first::TIMESTAMP AS first_hour, last::TIMESTAMP AS last_hour,
        greatest(first::TIMESTAMP, last::TIMESTAMP - INTERVAL 167 HOUR) AS span_first
), hourly AS (
    -- without hosts and samples: those are read of the few rows that show a group
    SELECT source_name, service_name, error_fingerprint, hour_start, errors, first_seen, last_seen, severity_number
    FROM query_table(errors_view) WHERE hour_start <= (SELECT last_hour FROM bounds)
), logged AS (
    SELECT DISTINCT source_name, service_name, hour_start FROM (
        SELECT source_name, service_name, hour_start FROM query_table(messages_view)
        UNION ALL SELECT source_name, service_name, hour_start FROM hourly)
    WHERE hour_start <= (SELECT last_hour FROM bounds)
), days AS (
    SELECT DISTINCT source_name, service_name, hour_start::DATE AS day FROM logged
), history AS (
    SELECT source_name, service_name, min(hour_start) AS history_start FROM logged GROUP BY ALL
), occurrences AS (
    SELECT *, lag(last_seen) OVER (PARTITION BY source_name, service_name, error_fingerprint ORDER BY hour_start) AS seen_before
    FROM hourly
), grouped AS (
    SELECT source_name, service_name, error_fingerprint,
        min(first_seen) AS first_seen, max(last_seen) AS last_seen,
        sum(errors) FILTER (hour_start >= first_hour)::BIGINT AS errors,
        sum(errors) FILTER (hour_start >= span_first)::BIGINT AS span_errors,
        max(first_seen) FILTER (hour_start >= first_hour AND first_seen - seen_before >= INTERVAL 14 DAY) AS returned,
        arg_max(seen_before, hour_start) FILTER (hour_start >= first_hour AND first_seen - seen_before >= INTERVAL 14 DAY) AS silent_since,
        max(severity_number) FILTER (hour_start >= first_hour) AS severity_number, max(hour_start) AS sample_hour
    FROM occurrences, bounds GROUP BY source_name, service_name, error_fingerprint
    HAVING count(*) FILTER (hour_start >= first_hour) > 0
), named AS (
    SELECT source_name, service_name, error_fingerprint, list_sort(list_distinct(flatten(list(DISTINCT hosts)))) AS hosts
    FROM query_table(errors_view), bounds WHERE hour_start BETWEEN first_hour AND last_hour GROUP BY ALL
), groups AS (
    SELECT grouped.*, coalesce(named.hosts, []) AS hosts, message_template, exception_type, logger_name,
        sample_event_id, sample_source_uri, sample_source_line, sample_body, sample_stack
    FROM grouped JOIN named USING (source_name, service_name, error_fingerprint)
    JOIN query_table(errors_view) AS latest ON latest.source_name = grouped.source_name AND latest.service_name = grouped.service_name
        AND latest.error_fingerprint = grouped.error_fingerprint AND latest.hour_start = sample_hour
), hours_of_weeks AS (
    SELECT source_name, service_name, week, count(*) AS hours
    FROM logged, bounds, range(0, 9) AS weeks (week)
    WHERE hour_start BETWEEN span_first - week * INTERVAL 7 DAY AND last_hour - week * INTERVAL 7 DAY GROUP BY ALL
), comparable AS (
    SELECT earlier.source_name, earlier.service_name, earlier.week, latest.hours / earlier.hours AS scale
    FROM hours_of_weeks AS earlier JOIN hours_of_weeks AS latest USING (source_name, service_name)
    WHERE latest.week = 0 AND earlier.week > 0 AND 2 * earlier.hours >= latest.hours
), of_weeks AS (
    SELECT source_name, service_name, error_fingerprint, week, sum(errors) AS errors
    FROM hourly, bounds, range(1, 9) AS weeks (week)
    WHERE hour_start BETWEEN span_first - week * INTERVAL 7 DAY AND last_hour - week * INTERVAL 7 DAY GROUP BY ALL
), baselines AS (
    SELECT source_name, service_name, error_fingerprint, list(scale * coalesce(of_weeks.errors, 0) ORDER BY week) AS earlier
    FROM groups JOIN comparable USING (source_name, service_name)
    LEFT JOIN of_weeks USING (source_name, service_name, error_fingerprint, week)
    WHERE (SELECT span_first FROM bounds) - week * INTERVAL 7 DAY >= date_trunc('hour', first_seen) GROUP BY ALL
), judged AS (
    SELECT groups.*, history_start, coalesce(earlier, []) AS earlier,
        (SELECT count(*) FROM days WHERE days.source_name = groups.source_name AND days.service_name = groups.service_name
            AND day < groups.first_seen::DATE) AS days_before,
        (SELECT count(*) FROM days WHERE days.source_name = groups.source_name AND days.service_name = groups.service_name
            AND day > groups.silent_since::DATE AND day < groups.returned::DATE) AS days_silent
    FROM groups LEFT JOIN history USING (source_name, service_name)
    LEFT JOIN baselines USING (source_name, service_name, error_fingerprint)
)
SELECT source_name, service_name, error_fingerprint,
    CASE WHEN first_seen >= (SELECT first_hour FROM bounds) AND days_before >= 7 THEN 'new'
         WHEN returned IS NOT NULL AND days_silent >= 7 THEN 'regressed'
         WHEN is_unusual(span_errors, earlier, 0.1) AND span_errors >= 10 AND span_errors >= 2 * usual_of(earlier) THEN 'escalating'
         ELSE 'known' END AS state,
    errors, span_errors, CASE WHEN len(earlier) >= 4 THEN usual_of(earlier) END AS usual_errors, len(earlier) AS weeks,
    first_seen, last_seen, silent_since, history_start, hosts, exception_type, message_template, logger_name, severity_number,
    sample_hour, sample_event_id, sample_source_uri, sample_source_line, sample_body, sample_stack
FROM judged;

-- the words of an error for a headline: its class and what is fixed of its message
CREATE OR REPLACE MACRO error_words(exception_type, message_template) AS left(concat_ws(': ',
    nullif(string_split(exception_type, '.')[-1], ''), nullif(split_part(message_template, chr(10), 1), '')), 160);

-- the command that shows the rows of an error group
CREATE OR REPLACE MACRO error_rows_command(source_name, service_name, fingerprint, first, last) AS
    'etl sql "SELECT event_time, host_name, body, source_uri, source_line FROM events_app_log WHERE source_name = '''
    || source_name || ''' AND service_name = ' || sql_text(service_name) || ' AND error_fingerprint = ''' || regexp_replace(fingerprint, '[^\w-]', '', 'g') || ''' ORDER BY event_time" --from '
    || strftime(first, '%Y-%m-%dT%H') || ' --to ' || strftime(last, '%Y-%m-%dT%H');

-- from when to when a trend is shown by the hour, then by the day
CREATE OR REPLACE MACRO error_step(first, last) AS CASE WHEN last - first <= INTERVAL 47 HOUR THEN 'hour' ELSE 'day' END;

-- app-1, app-2, app-3 and 2 more
CREATE OR REPLACE MACRO error_hosts(hosts) AS array_to_string(hosts[1:3], ', ')
    || CASE WHEN len(hosts) > 3 THEN ' and ' || (len(hosts) - 3) || ' more' ELSE '' END;

-- 12 times from 2026-11-22 13:01 to 2026-11-22 13:50 UTC on app-1, app-2
CREATE OR REPLACE MACRO errors_seen(errors, first_seen, last_seen, hosts) AS plural(errors, 'time')
    || coalesce(' from ' || strftime(first_seen, '%Y-%m-%d %H:%M') || ' to ', ', last ') || strftime(last_seen, '%Y-%m-%d %H:%M') || ' UTC'
    || CASE WHEN len(hosts) > 0 THEN ' on ' || error_hosts(hosts) ELSE '' END;

-- 5.5, or 6 where it is a whole number or large
CREATE OR REPLACE MACRO error_usual(usual) AS CASE WHEN usual < 100 AND usual <> round(usual) THEN printf('%.1f', usual::DOUBLE) ELSE human_count(round(usual)) END;
