-- title: the slices of one partition as its rows
-- Filled in: {slices} the files in order, {excluded} a filter of superseded objects, {keys} a filter of repeated keys.
SELECT * EXCLUDE (file_row_number, filename)
FROM read_parquet({slices}, file_row_number = true, filename = true, hive_partitioning = false)
WHERE {excluded}
{keys}
