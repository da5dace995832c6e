-- title: Transitions
-- note: Of the sessions of these hours, what the machine allows.
SELECT getvariable('states')[from_state] AS from_state, getvariable('events')[event] AS event, getvariable('states')[to_state] AS to_state,
    count(*) AS events, count(DISTINCT session_no) AS sessions
FROM report.step_moves JOIN report.step_sessions USING (session_no) WHERE part = 'here' AND is_legal
GROUP BY step_moves.from_state, step_moves.event, step_moves.to_state ORDER BY step_moves.from_state, step_moves.event
