-- title: Quarantine by reason
-- note: Records rejected of what landed in these hours, N for numbers, each reason with its first record.
-- reads: quarantine
WITH reasons AS (
    SELECT *, regexp_replace(left(reject_reason, 300), '\d+', 'N', 'g') AS reason FROM quarantine
)
SELECT source_name, reason, count(*) AS records, sum(source_lines)::BIGINT AS lines,
    arg_min(left(raw, 200), (source_uri, source_line, source_offset)) AS sample,
    arg_min(source_uri || ':' || source_line, (source_uri, source_line, source_offset)) AS origin
FROM reasons GROUP BY source_name, reason ORDER BY records DESC, source_name, reason LIMIT 30
