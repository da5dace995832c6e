-- title: Sessions: of these hours (here), of as many hours before (before), or under way when those began (cut)
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first_time, getvariable('last_hour')::TIMESTAMP + INTERVAL 1 HOUR AS end_time,
        to_minutes(getvariable('timeout_minutes')) AS timeout
), sessions AS (
    SELECT session_no, min(event_time) AS began, max(event_time) AS last_time, arg_max(to_state, place) AS last_state,
        bool_or(to_state = getvariable('goal')) AS has_arrived, min(event_time) FILTER (to_state = getvariable('goal')) AS arrived,
        count(*) FILTER (NOT is_legal) AS illegal, arg_max({'dataset': dataset, 'event_id': event_id, 'event_time': event_time}, place) AS last_event
    FROM report.step_moves GROUP BY session_no
)
SELECT sessions.*, CASE WHEN began >= first_time THEN 'here' WHEN began >= first_time - (end_time - first_time) THEN 'before' ELSE 'cut' END AS part,
    began < first_time AND last_time >= first_time AS is_across,
    last_time + timeout <= end_time AS is_over,
    CASE WHEN has_arrived THEN 'completed' WHEN last_time + timeout > end_time THEN 'open' ELSE 'abandoned' END AS outcome
FROM sessions, period
