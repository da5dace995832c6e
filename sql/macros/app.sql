-- title: severities and error fingerprints
-- severity numbers: OpenTelemetry log data model
CREATE OR REPLACE MACRO severity_number_of(level) AS CASE upper(level)
    WHEN 'TRACE' THEN 1 WHEN 'DEBUG' THEN 5 WHEN 'INFO' THEN 9 WHEN 'WARN' THEN 13 WHEN 'WARNING' THEN 13
    WHEN 'ERROR' THEN 17 WHEN 'FATAL' THEN 21 END::TINYINT;

-- the same defect has the same exception class, top three frames (without line numbers) and message template
CREATE OR REPLACE MACRO error_fingerprint_of(type, trace, template) AS md5(concat_ws('|', type,
    array_to_string(list_slice(regexp_extract_all(trace, '(?:^|\n)\s+at ([\w$.<>/]+)\(', 1), 1, 3), ','), template));
