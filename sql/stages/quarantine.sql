-- title: rejected records of a parsed file with reason and origin
-- Filled in: {parsed} the file.
-- Parameters: source_name; reads the table objects(object_no, source_uri, observed_time, format_name).
SELECT
    getvariable('source_name') AS source_name, objects.source_uri, source_line, source_lines, source_offset,
    objects.observed_time, objects.format_name, reject_reason, raw
FROM {parsed} AS parsed LEFT JOIN objects USING (object_no)
WHERE outcome = 'quarantined'
