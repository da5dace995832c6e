-- title: Events in the order of their sessions, each with the state before and after it
-- note: What the machine does not allow leaves a session in its state.
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first_time, getvariable('last_hour')::TIMESTAMP + INTERVAL 1 HOUR AS end_time,
        to_minutes(getvariable('timeout_minutes')) AS timeout
), known AS (
    SELECT dataset, event_time, source_uri, source_line, event_id, session, event FROM funnel_events, period
    WHERE len(list_filter(session, lambda part: coalesce(trim(part), '') = '')) = 0
        AND event_time >= first_time - (end_time - first_time) - timeout AND event_time < end_time
), apart AS (
    SELECT *, event_time - lag(event_time) OVER same <= to_minutes(getvariable('timeout_minutes')) AS follows
    FROM known WINDOW same AS (PARTITION BY session ORDER BY event_time, source_uri, source_line, event_id)
), visits AS (
    SELECT *, count(*) FILTER (follows IS NOT TRUE) OVER (PARTITION BY session ORDER BY event_time, source_uri, source_line, event_id ROWS UNBOUNDED PRECEDING) AS visit
    FROM apart
), sessions AS (
    SELECT session, visit, list({'dataset': dataset, 'event': event, 'event_time': event_time, 'source_uri': source_uri, 'source_line': source_line, 'event_id': event_id}
        ORDER BY event_time, source_uri, source_line, event_id) AS events
    FROM visits GROUP BY session, visit
), walked AS (
    SELECT row_number() OVER (ORDER BY session, visit) AS session_no, events,
        list_reduce(list_prepend([1::TINYINT], list_transform(events, lambda one: [one.event::TINYINT])), lambda path, next:
            list_append(path, coalesce(nullif(getvariable('machine')[(path[-1]::INTEGER - 1) * len(getvariable('events')) + next[1]], 0), path[-1])::TINYINT)) AS path
    FROM sessions
), moves AS (
    SELECT session_no, unnest(range(1, len(events) + 1)) AS place, unnest(events, max_depth := 2), unnest(path[:len(path) - 1]) AS from_state, unnest(path[2:]) AS to_state
    FROM walked
)
SELECT *, getvariable('machine')[(from_state::INTEGER - 1) * len(getvariable('events')) + event] > 0 AS is_legal FROM moves
