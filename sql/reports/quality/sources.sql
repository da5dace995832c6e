-- title: Books by source
-- note: What landed in these hours. Lines = rows + continuation lines + quarantined + ignored; lines of a record cut between two objects are counted where it began.
-- reads: ledger
SELECT source_name, count(*) AS objects, sum(lines)::BIGINT AS lines, sum(rows)::BIGINT AS rows,
    sum(row_lines - joined_in - rows)::BIGINT + sum(joined_out)::BIGINT AS continuation_lines, sum(quarantined)::BIGINT AS quarantined,
    sum(ignored)::BIGINT AS ignored, sum(partial)::BIGINT AS partial, count(problem) AS refused_objects,
    CASE WHEN bool_and(lines + joined_in = row_lines + quarantined + ignored + joined_out) THEN 'closed' ELSE 'open' END AS books
FROM ledger GROUP BY source_name ORDER BY source_name
