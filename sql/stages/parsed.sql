-- title: a format's rows, judged: row, quarantined or ignored
-- Filled in: {format} the format's SELECT, {columns} the dataset's columns that it gives.
-- Parameters: landing (start of the landing hour), max_lateness (interval), until (the first event time that is too far ahead).
WITH records AS (
    SELECT
        {'object_no': object_no, 'line': line, 'lines': lines, 'byte_offset': byte_offset, 'flag': flag} AS origin,
        text AS raw,
        observed_time
    FROM arrow_records
), formatted AS (
    {format}
), timed AS (
    -- what continues a record whose start is not there keeps the landing hour as its time
    SELECT * REPLACE (
        CASE WHEN origin.flag = 'continuation' AND event_time IS NULL THEN getvariable('landing')::TIMESTAMP ELSE event_time END AS event_time,
        CASE WHEN origin.flag = 'continuation' AND event_time IS NULL THEN 'landing_hour' ELSE time_basis END AS time_basis,
        CASE WHEN origin.flag IS NULL THEN parse_status ELSE 'partial' END AS parse_status
    ) FROM formatted
), judged AS (
    SELECT *, CASE
        WHEN origin.flag = 'too_long' THEN 'line: longer than 1 MiB; expected a shorter line'
        WHEN reject_reason IS NOT NULL THEN reject_reason
        WHEN event_time IS NULL THEN 'event_time: none; expected a time in the line'
        WHEN event_time >= getvariable('until')::TIMESTAMP
        THEN 'event_time: ' || event_time || ' is more than a day after the landing hour; expected a past time'
        WHEN event_time < getvariable('landing')::TIMESTAMP - getvariable('max_lateness')::INTERVAL
        THEN 'event_time: ' || event_time || ' is older than max_lateness_days before the landing hour' END AS problem
    FROM timed
)
SELECT
    origin.object_no AS object_no, origin.line AS source_line, origin.lines AS source_lines, origin.byte_offset AS source_offset,
    CASE WHEN left(raw, 1) <= ' ' AND ltrim(raw, ' ' || chr(9) || chr(10) || chr(13)) = '' THEN 'ignored'
         WHEN problem IS NOT NULL THEN 'quarantined' ELSE 'row' END AS outcome,
    CASE WHEN outcome = 'quarantined' THEN problem END AS reject_reason,
    CASE WHEN outcome = 'quarantined' THEN raw END AS raw,
    CASE WHEN origin.flag IN ('invalid_utf8', 'nul') THEN origin.flag END AS sanitized,
    {columns}
FROM judged
