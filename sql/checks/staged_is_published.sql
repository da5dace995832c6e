-- title: rows staged = rows published + duplicates
-- reads: books
SELECT key, staged, rows AS published, duplicates
FROM books SEMI JOIN touched_hours USING (hour_start)
WHERE source_name = getvariable('source_name') AND (staged IS NULL OR staged <> rows + duplicates)
