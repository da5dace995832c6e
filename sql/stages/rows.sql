-- title: canonical rows of a parsed file, enriched, in the order of their lines
-- Filled in: {parsed} the file, {columns} the dataset's columns, {visitors} the rows with their visitors where privacy is off,
-- {enrich} the dataset's enrichment, {where} a filter.
-- Parameters: source_name, service_name, and by object number object_uris, object_ids, object_times.
WITH given AS (
    SELECT
        parsed.* EXCLUDE (outcome, reject_reason, raw, sanitized, stream, attributes, service_name),
        getvariable('object_uris')[object_no + 1] AS source_uri,
        getvariable('object_times')[object_no + 1] AS observed_time,
        getvariable('object_ids')[object_no + 1] || '-' || source_line
            || CASE WHEN source_part = 0 THEN '' ELSE '.' || source_part END AS event_id,
        getvariable('source_name') AS source_name,
        coalesce(parsed.service_name, getvariable('service_name')) AS service_name,
        CASE WHEN sanitized IS NULL AND stream IS NULL THEN attributes
             ELSE map_concat(attributes, map_from_entries(list_filter(
                 [{'key': 'sanitized', 'value': sanitized}, {'key': 'stream', 'value': stream}],
                 lambda entry: entry.value IS NOT NULL))) END AS attributes
    FROM {parsed} AS parsed
    WHERE outcome = 'row' {where}
), enveloped AS (
    {visitors}
), enriched AS (
    {enrich}
)
SELECT {columns} FROM enriched
