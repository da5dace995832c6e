-- title: Books that do not close
-- reads: ledger
SELECT 'bad' AS level, count(*)::DOUBLE AS rank, 'Books do not close' AS headline,
    plural(count(*), 'object') || ' with lines that have no fate or two' AS number,
    'Each line of the ' || plural((SELECT count(*) FROM ledger), 'object') || ' should have exactly one' AS baseline,
    'First: ' || min(uri) AS who,
    'SELECT uri, lines, joined_in, row_lines, quarantined, ignored, joined_out FROM ledger WHERE lines + joined_in <> row_lines + quarantined + ignored + joined_out AND '
        || sql_landed(getvariable('first_hour'), getvariable('last_hour')) AS check_sql
FROM ledger WHERE lines + joined_in <> row_lines + quarantined + ignored + joined_out
HAVING count(*) > 0
