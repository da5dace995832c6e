-- title: every line read is in a row, quarantined or ignored
-- reads: ledger
SELECT uri, lines, row_lines, quarantined, ignored, joined_in, joined_out
FROM ledger
WHERE source_name = getvariable('source_name') AND lines + joined_in <> row_lines + quarantined + ignored + joined_out
