-- title: Events in the order of their sessions, each with the state before and after it
-- note: What the machine does not allow leaves a session in its state.
WITH period AS (
    SELECT getvariable('first_hour')::TIMESTAMP AS first_time, getvariable('last_hour')::TIMESTAMP + INTERVAL 1 HOUR AS end_time,
        to_minutes(getvariable('timeout_minutes')) AS timeout
), known AS (
    SELECT row_number() OVER (ORDER BY event_time, source_uri, source_line, event_id) AS number, dataset, event_time, source_uri, source_line, event_id, session, event FROM funnel_events, period
    WHERE len(list_filter(session, lambda part: coalesce(trim(part), '') = '')) = 0
        AND event_time >= first_time - (end_time - first_time) - timeout AND event_time < end_time
), apart AS (
    SELECT number, session, event, event_time - lag(event_time) OVER same <= to_minutes(getvariable('timeout_minutes')) AS follows
    FROM known WINDOW same AS (PARTITION BY session ORDER BY number)
), visits AS (
    -- a session has the number of its first event
    SELECT number, event,
        last_value(CASE WHEN follows IS NOT TRUE THEN number END IGNORE NULLS) OVER (PARTITION BY session ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session_no
    FROM apart
), sessions AS (
    -- sorting each list is much faster than a list in an order
    SELECT session_no, list_sort(list({'number': number, 'event': event::TINYINT})) AS events FROM visits GROUP BY session_no
), walked AS (
    SELECT session_no, events,
        list_reduce(list_prepend([1::TINYINT], list_transform(events, lambda one: [one.event])), lambda path, next:
            list_append(path, coalesce(nullif(getvariable('machine')[(path[-1]::INTEGER - 1) * len(getvariable('events')) + next[1]], 0), path[-1])::TINYINT)) AS path
    FROM sessions
), moves AS (
    SELECT session_no, unnest(range(1, len(events) + 1)) AS place, unnest(events) AS one, unnest(path[:len(path) - 1]) AS from_state, unnest(path[2:]) AS to_state
    FROM walked
)
SELECT session_no, place, dataset, event, event_time, source_uri, source_line, event_id, from_state, to_state,
    getvariable('machine')[(from_state::INTEGER - 1) * len(getvariable('events')) + event] > 0 AS is_legal
FROM moves JOIN known ON number = one.number
