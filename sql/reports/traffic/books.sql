-- title: Raw lines of the landing hours
-- reads: ledger, books
-- of the sources that have web traffic
SELECT source_name, count(*) AS objects, sum(lines)::BIGINT AS lines, sum(row_lines)::BIGINT AS row_lines,
    sum(quarantined)::BIGINT AS quarantined, sum(ignored)::BIGINT AS ignored, count(problem) AS corrupt_objects
FROM ledger WHERE source_name IN (SELECT source_name FROM books WHERE dataset = 'web_access')
GROUP BY source_name ORDER BY source_name
