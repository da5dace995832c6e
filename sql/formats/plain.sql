-- title: lines without a structure, such as what a program prints in a container
-- dataset: app_log
-- detect: wrapped
-- priority: 0
-- continues: ^\s+\S|^(?:Caused by|Suppressed|Traceback \(most recent call last\)|goroutine \d+ \[|created by ):?|^\.\.\. \d+ more
-- sample: listening on port 8080
-- limits: the time is that of the wrapper; without one it is the landing hour; indented lines belong to the line before them
SELECT
    origin, raw,
    NULL AS reject_reason,
    CASE WHEN origin.wrapper_time IS NULL THEN getvariable('landing')::TIMESTAMP END AS event_time,
    'landing_hour' AS time_basis,
    'ok' AS parse_status,
    nullif(regexp_extract(raw, '(?i)^\W?\b(trace|debug|info|notice|warn(?:ing)?|error|critical|fatal|panic)\b', 1), '') AS severity_text,
    replace(raw, chr(13) || chr(10), chr(10)) AS body,
    no_attributes() AS attributes
FROM records
