-- title: books that do not close
-- severity: critical
-- reads: books, ledger
-- resolved: they close, or are three days old
SELECT 'objects' AS key, 'Books do not close: ' || count(*) || ' of the raw objects of three days' AS headline,
    'lines are missing or counted twice in ' || min(uri) AS detail,
    'etl sql "SELECT * FROM ledger WHERE source_name = ''' || getvariable('source_name')
        || ''' AND lines + joined_in != row_lines + quarantined + ignored + joined_out"' AS check_sql
FROM ledger
WHERE source_name = getvariable('source_name') AND lines + joined_in <> row_lines + quarantined + ignored + joined_out
HAVING count(*) > 0
UNION ALL
SELECT 'partitions', 'Books do not close: ' || count(*) || ' of the published hours of three days',
    'rows staged are not rows published and duplicates in ' || min(key),
    'etl sql "SELECT * FROM books WHERE source_name = ''' || getvariable('source_name') || ''' AND staged != rows + duplicates"'
FROM books
WHERE source_name = getvariable('source_name') AND (staged IS NULL OR staged <> rows + duplicates)
HAVING count(*) > 0
