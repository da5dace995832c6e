-- title: Totals
-- reads: ledger, books
SELECT
    coalesce((SELECT sum(lines) FROM ledger), 0)::BIGINT AS lines,
    coalesce((SELECT sum(quarantined) FROM ledger), 0)::BIGINT AS quarantined,
    (SELECT count(*) FROM ledger) AS objects,
    (SELECT count(problem) FROM ledger) AS refused_objects,
    coalesce((SELECT sum(rows) FROM books), 0)::BIGINT AS published,
    coalesce((SELECT sum(duplicates) FROM books), 0)::BIGINT AS duplicates,
    coalesce((SELECT sum(partial) FROM ledger), 0)::BIGINT AS partial,
    (SELECT count(*) FROM ledger WHERE lines + joined_in <> row_lines + quarantined + ignored + joined_out)
        + (SELECT count(*) FROM books WHERE staged IS DISTINCT FROM rows + duplicates) AS open_books
