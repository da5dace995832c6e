-- title: When each session first was in each of its states
WITH reached AS (
    SELECT session_no, 1::TINYINT AS state, began AS moment FROM report.step_sessions
    UNION ALL
    SELECT session_no, to_state, event_time FROM report.step_moves
)
SELECT session_no, state, min(moment) AS moment FROM reached GROUP BY session_no, state
