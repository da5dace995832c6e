-- title: lines that a source's own regular expression with named groups takes apart
-- dataset: declared
-- detect: never
-- options: pattern: RE2 pattern (required), its groups named like the columns of the dataset or as fields maps them; time_format: strptime form of the time, or epoch, epoch_ms, epoch_us, epoch_ns; untimed: landing gives lines without a time the landing hour; record_start: RE2 pattern of a record's first line
-- sample: 2026-11-22 13:04:05 ERROR payment 42 failed
-- limits: the pattern has to match from the first character to the last; RE2 has no look-around and no back-references
WITH matched AS (
    SELECT origin, raw, regexp_full_match(raw, getvariable('pattern'), 's') AS fits,
        regexp_extract(raw, '^(?s:' || getvariable('pattern') || ')$', getvariable('groups')) AS groups
    FROM records
)
SELECT origin, raw,
    CASE WHEN NOT fits THEN 'line: does not match the pattern; expected ' || left(getvariable('pattern'), 200) END AS reject_reason,
    false AS ignored,
    json_entries(to_json(groups)) AS entries
FROM matched
