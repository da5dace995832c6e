-- title: canonical rows of a parsed file, enriched, in the order of their lines
-- Filled in: {parsed} the file, {columns} the dataset's columns, {enrich} the dataset's enrichment, {where} a filter.
-- Parameters: source_name, service_name; reads the table objects(object_no, source_uri, object_id, observed_time).
WITH enveloped AS (
    SELECT
        parsed.* EXCLUDE (outcome, reject_reason, raw, sanitized, attributes, service_name),
        objects.source_uri, objects.observed_time,
        objects.object_id || '-' || parsed.source_line AS event_id,
        getvariable('source_name') AS source_name,
        coalesce(parsed.service_name, getvariable('service_name')) AS service_name,
        CASE WHEN sanitized IS NULL THEN attributes
             ELSE map_concat(attributes, MAP {'sanitized': sanitized}) END AS attributes
    FROM {parsed} AS parsed LEFT JOIN objects USING (object_no)
    WHERE outcome = 'row' {where}
), enriched AS (
    {enrich}
)
SELECT {columns} FROM enriched
