-- title: Illegal transitions
-- note: Events that the machine does not allow in the state of their session; they leave it there. With the first rows of each: raw object and line.
SELECT getvariable('states')[from_state] AS from_state, getvariable('events')[event] AS event, count(*) AS events, count(DISTINCT session_no) AS sessions,
    min(event_time) AS first_time, list(source_uri || ':' || source_line ORDER BY event_time, source_uri, source_line, event_id)[:10] AS places
FROM report.step_moves JOIN report.step_sessions USING (session_no) WHERE part = 'here' AND NOT is_legal
GROUP BY step_moves.from_state, step_moves.event ORDER BY events DESC, step_moves.from_state, step_moves.event
