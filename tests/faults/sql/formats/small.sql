-- title: a time, a path and a status, of lines that the source's own pattern accepts
-- dataset: web_access
-- detect: never
-- options: accept_pattern: RE2 pattern of the lines that are read (required)
-- sample: 2026-11-22T13:04:05 /cart 200
SELECT
    origin, raw,
    CASE WHEN NOT regexp_full_match(raw, getvariable('options')['accept_pattern']) THEN 'line: not accepted' END AS reject_reason,
    try_cast(split_part(raw, ' ', 1) AS TIMESTAMP) AS event_time,
    'utc' AS time_basis,
    'ok' AS parse_status,
    split_part(raw, ' ', 2) AS url_path,
    try_cast(split_part(raw, ' ', 3) AS SMALLINT) AS http_response_status_code,
    MAP {}::MAP(VARCHAR, VARCHAR) AS attributes
FROM records
