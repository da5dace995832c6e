-- title: rows staged = rows published + duplicates
-- reads: partitions
SELECT key, staged, rows AS published, duplicates
FROM partitions SEMI JOIN touched_hours USING (hour_start)
WHERE source_name = getvariable('source_name') AND (staged IS NULL OR staged <> rows + duplicates)
