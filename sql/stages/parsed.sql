-- title: a format's rows, judged: row, quarantined or ignored
-- Filled in: {format} the format's SELECT, {columns} the columns it gives of its datasets, {dataset} its dataset or the
-- column that names it, {ignored} FALSE or the column that marks directives,
-- {visitor} what a visitor is told apart by, {reason} and {raw} what privacy leaves of a reject's reason and text,
-- {erased} whether a reject holds an erased subject.
-- Parameters: landing (start of the landing hour), max_lateness (interval), until (the first event time that is too far ahead).
WITH records AS (
    SELECT
        {'object_no': object_no, 'line': line, 'part': part, 'lines': lines, 'byte_offset': byte_offset, 'flag': flag,
         'stream': stream, 'wrapper_time': wrapper_time} AS origin,
        text AS raw,
        observed_time,
        heading
    FROM arrow_records
), formatted AS (
    {format}
), wrapped AS (
    SELECT *, event_time IS NULL AND origin.wrapper_time IS NOT NULL AS is_wrapper_time, iso_parts(origin.wrapper_time) AS wrapper_parts
    FROM formatted
), timed AS (
    -- what continues a record whose start is not there keeps the landing hour as its time
    SELECT * REPLACE (
        CASE WHEN is_wrapper_time THEN iso_time(wrapper_parts, 'UTC')
             WHEN origin.flag = 'continuation' AND event_time IS NULL THEN getvariable('landing')::TIMESTAMP ELSE event_time END AS event_time,
        CASE WHEN is_wrapper_time THEN 'wrapper'
             WHEN origin.flag = 'continuation' AND event_time IS NULL THEN 'landing_hour' ELSE time_basis END AS time_basis,
        CASE WHEN origin.flag IS NULL THEN parse_status ELSE 'partial' END AS parse_status
    ) FROM wrapped
), judged AS (
    SELECT *, CASE
        WHEN origin.flag = 'too_long' THEN 'line: longer than 1 MiB; expected a shorter line'
        WHEN origin.flag = 'not_wrapped' THEN 'line: not wrapped as declared; expected a whole line of docker json-file or CRI'
        WHEN reject_reason IS NOT NULL AND origin.flag IS DISTINCT FROM 'continuation' THEN reject_reason
        WHEN event_time IS NULL THEN 'event_time: none; expected a time in the line'
        WHEN event_time >= getvariable('until')::TIMESTAMP
        THEN 'event_time: ' || event_time || ' is more than a day after the landing hour; expected a past time'
        WHEN event_time < getvariable('landing')::TIMESTAMP - getvariable('max_lateness')::INTERVAL
        THEN 'event_time: ' || event_time || ' is older than max_lateness_days before the landing hour' END AS problem
    FROM timed
)
SELECT
    origin.object_no AS object_no, origin.line AS source_line, origin.part AS source_part, origin.lines AS source_lines,
    origin.byte_offset AS source_offset,
    CASE WHEN left(raw, 1) <= ' ' AND ltrim(raw, ' ' || chr(9) || chr(10) || chr(13)) = '' THEN 'ignored'
         WHEN {ignored} AND origin.flag IS NULL THEN 'ignored'
         WHEN problem IS NOT NULL THEN 'quarantined' ELSE 'row' END AS outcome,
    CASE WHEN outcome = 'quarantined' THEN {reason} END AS reject_reason,
    CASE WHEN outcome = 'quarantined' THEN {raw} END AS raw,
    CASE WHEN origin.flag IN ('invalid_utf8', 'nul') THEN origin.flag END AS sanitized,
    origin.stream AS stream,
    {dataset} AS dataset,
    {visitor} AS visitor,
    {erased} AS erased,
    {columns}
FROM judged
