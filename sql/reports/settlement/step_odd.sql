-- title: Groups that do not match, with all their rows
WITH odd AS (
    SELECT *, CASE WHEN is_here THEN state ELSE 'late' END AS told FROM report.step_keys
    WHERE (is_here AND state NOT IN ('matched', 'matched across')) OR is_late
), places AS (
    SELECT grp, list(source_uri || ':' || source_line ORDER BY event_time, source_uri, source_line, event_id) FILTER (side = 'left') AS left_places,
        list(source_uri || ':' || source_line ORDER BY event_time, source_uri, source_line, event_id) FILTER (side = 'right') AS right_places,
        list({'dataset': dataset, 'event_id': event_id, 'event_time': event_time} ORDER BY event_time, source_uri, source_line, event_id) AS events
    FROM report.step_rows SEMI JOIN odd USING (grp) GROUP BY grp
)
SELECT * REPLACE (left(CASE WHEN getvariable('key_parts') = 1 THEN key ELSE array_to_string(from_json(key, '["VARCHAR"]'), ' · ') END, 200) AS key), events[1].event_id AS first_event
FROM odd JOIN places USING (grp)
