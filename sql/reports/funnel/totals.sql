-- title: Totals
WITH sessions AS (
    SELECT count(*) FILTER (part = 'here') AS sessions, count(*) FILTER (part = 'here' AND outcome = 'completed') AS completed,
        count(*) FILTER (part = 'here' AND outcome = 'abandoned') AS abandoned, count(*) FILTER (part = 'here' AND outcome = 'open') AS open,
        count(*) FILTER (is_across) AS across, median(epoch_ms(arrived) - epoch_ms(began)) FILTER (part = 'here') AS median_ms,
        count(*) FILTER (part = 'here' AND illegal > 0) AS odd_sessions
    FROM report.step_sessions
), moves AS (
    SELECT count(*) AS events, count(*) FILTER (NOT is_legal) AS illegal FROM report.step_moves JOIN report.step_sessions USING (session_no) WHERE part = 'here'
), unnamed AS (
    SELECT count(*) AS unnamed FROM funnel_events
    WHERE len(list_filter(session, lambda part: coalesce(trim(part), '') = '')) > 0
        AND event_time >= getvariable('first_hour') AND event_time < getvariable('last_hour')::TIMESTAMP + INTERVAL 1 HOUR
)
SELECT *, getvariable('states')[getvariable('goal')] AS goal, getvariable('timeout_minutes') AS timeout_minutes FROM sessions, moves, unnamed
