-- title: Fewer than before go on to a state
-- a drop by five percentage points that chance would not make: two shares, each of at least a hundred sessions, 3.5 standard errors apart
WITH pairs AS (
    SELECT here.state, here.went_on, here.closed_before AS closed, before.went_on AS before_went_on, before.closed_before AS before_closed,
        (here.went_on + before.went_on) / (here.closed_before + before.closed_before) AS pooled
    FROM report.step_conversions AS here JOIN report.step_conversions AS before ON before.state = here.state AND before.part = 'before'
    WHERE here.part = 'here' AND here.state > 1 AND here.closed_before >= 100 AND before.closed_before >= 100
), dropped AS (
    SELECT *, before_went_on / before_closed - went_on / closed AS lost FROM pairs
    WHERE before_went_on / before_closed - went_on / closed >= 0.05
        AND before_went_on / before_closed - went_on / closed >= 3.5 * sqrt(pooled * (1 - pooled) * (1 / closed + 1 / before_closed))
), ended AS (
    -- sessions that were in the state before and did not come on, by where they ended
    SELECT dropped.state, s.session_no, s.last_state, s.last_event FROM dropped
    JOIN report.step_reached AS r ON r.state = dropped.state - 1 JOIN report.step_sessions AS s ON s.session_no = r.session_no AND s.part = 'here' AND s.is_over
    ANTI JOIN report.step_reached AS t ON t.session_no = s.session_no AND t.state = dropped.state
), places AS (
    SELECT state, last_state, count(*) AS sessions, sum(count(*)) OVER (PARTITION BY state) AS whole FROM ended GROUP BY state, last_state
), most AS (
    SELECT * FROM places QUALIFY row_number() OVER (PARTITION BY state ORDER BY sessions DESC, last_state) = 1
), shown AS (
    SELECT state, 'SELECT event_time, source_name, source_uri, source_line FROM events_' || min(last_event.dataset) || ' WHERE event_date BETWEEN ''' || min(last_event.event_time)::DATE
        || ''' AND ''' || max(last_event.event_time)::DATE || ''' AND event_id IN (' || string_agg(sql_text(last_event.event_id), ', ' ORDER BY last_event.event_time, last_event.event_id) || ') ORDER BY ALL' AS check_sql
    FROM (SELECT * FROM ended QUALIFY row_number() OVER (PARTITION BY state ORDER BY last_event.event_time, last_event.event_id) <= 20) GROUP BY state
)
SELECT 'bad' AS level, lost::DOUBLE AS rank, 'Fewer reach ' || getvariable('states')[dropped.state] AS headline,
    human_share(went_on, closed) || ' of ' || plural(closed, 'session') || ' in ' || getvariable('states')[dropped.state - 1] || ' came on to ' || getvariable('states')[dropped.state] AS number,
    'In as many hours before it was ' || human_share(before_went_on, before_closed) || ' of ' || human_count(before_closed) AS baseline,
    'Of those that did not, ' || CASE WHEN sessions = whole THEN 'all' ELSE human_share(sessions, whole) END || ' ended in ' || getvariable('states')[last_state] AS who, check_sql
FROM dropped JOIN most ON most.state = dropped.state JOIN shown ON shown.state = dropped.state
ORDER BY dropped.state
