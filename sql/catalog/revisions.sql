-- title: one row for each change of a published partition
WITH changes AS (
    SELECT make_timestamp(epoch_us(last_modified) // 1000000 * 1000000) AS revised_time, from_json(content, '{record}') AS record
    FROM read_text({revisions})
)
SELECT record.*, revised_time, record.rows_after - record.rows_before AS difference FROM changes
