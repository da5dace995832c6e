-- title: Events in the order of their sessions, each with the state before and after it
-- note: What the machine does not allow leaves a session in its state.
WITH RECURSIVE period AS (
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
), placed AS (
    SELECT session_no, number, event, row_number() OVER (PARTITION BY session_no ORDER BY number) - 1 AS place FROM visits
), parts AS (
    -- a path is copied with each of its steps: a long session is walked in parts. Sorting each list is much faster than a list in an order
    SELECT session_no, place // 500 AS part, list_sort(list({'number': number, 'event': event::TINYINT})) AS events FROM placed GROUP BY ALL
), later AS MATERIALIZED (
    FROM parts WHERE part > 0
), walked AS (
    SELECT session_no, part, events, funnel_path(1, events) AS path FROM parts WHERE part = 0
    UNION ALL
    SELECT later.session_no, later.part, later.events, funnel_path(walked.path[-1], later.events)
    FROM walked JOIN later ON later.session_no = walked.session_no AND later.part = walked.part + 1
), moves AS (
    SELECT session_no, unnest(range(500 * part + 1, 500 * part + len(events) + 1)) AS place, unnest(events) AS one,
        unnest(path[:len(path) - 1]) AS from_state, unnest(path[2:]) AS to_state
    FROM walked
)
SELECT session_no, place, dataset, event, event_time, source_uri, source_line, event_id, from_state, to_state,
    getvariable('machine')[(from_state::INTEGER - 1) * len(getvariable('events')) + event] > 0 AS is_legal
FROM moves JOIN known ON number = one.number
