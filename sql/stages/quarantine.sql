-- title: rejected records of a parsed file with reason and origin
-- Filled in: {parsed} the file.
-- Parameters: source_name, and by object number object_uris, object_times, object_formats.
SELECT
    getvariable('source_name') AS source_name, getvariable('object_uris')[object_no + 1] AS source_uri,
    source_line, source_lines, source_offset, getvariable('object_times')[object_no + 1] AS observed_time,
    getvariable('object_formats')[object_no + 1] AS format_name, reject_reason, raw
FROM {parsed}
WHERE outcome = 'quarantined'
