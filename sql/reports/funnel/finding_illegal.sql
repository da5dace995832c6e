-- title: Illegal transitions
WITH odd AS (
    SELECT *, row_number() OVER (ORDER BY event_time, event_id) AS rank FROM report.step_moves JOIN report.step_sessions USING (session_no) WHERE part = 'here' AND NOT is_legal
), shown AS (
    SELECT 'SELECT event_time, source_name, source_uri, source_line FROM events_' || min(dataset) || ' WHERE event_date BETWEEN ''' || min(event_time)::DATE || ''' AND '''
        || max(event_time)::DATE || ''' AND event_id IN (' || string_agg(sql_text(event_id), ', ' ORDER BY rank) || ') ORDER BY ALL' AS check_sql
    FROM odd WHERE rank <= 20
), most AS (
    SELECT *, count(*) OVER (PARTITION BY events) AS alike FROM report.illegal ORDER BY events DESC LIMIT 1
)
SELECT 'warn' AS level, (totals.illegal / totals.events)::DOUBLE AS rank, 'Illegal transitions' AS headline,
    plural(totals.illegal, 'event') || ' in ' || plural(odd_sessions, 'session') || ' that the machine does not allow' AS number,
    'Of ' || plural(totals.events, 'event') || ' in ' || plural(totals.sessions, 'session') AS baseline,
    CASE WHEN alike > 1 THEN 'In ' || plural((SELECT count(*) FROM report.illegal), 'pair') || ' of state and event'
         ELSE upper(who[1]) || who[2:] END AS who,
    check_sql
FROM (SELECT *, human_mostly(event || ' in the state ' || from_state, events, (SELECT illegal FROM report.totals)) AS who FROM most) AS most, report.totals AS totals, shown
