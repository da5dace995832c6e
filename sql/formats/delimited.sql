-- title: delimited text (CSV, TSV), with or without a header line
-- dataset: declared
-- detect: never
-- options: delimiter: one or more characters, \t for a tab (default ,); columns: names of the columns, separated by commas (default: the first line of each object has them); quote: the quoting character (default "), empty for none; null_pattern: RE2 pattern of values that mean nothing, beside - and empty ones; time_format: strptime form of the time, or epoch, epoch_ms, epoch_us, epoch_ns; untimed: landing gives lines without a time the landing hour
-- sample: 2026-11-22T13:04:05Z,203.0.113.9,GET
-- limits: one line is one record, so a quoted value ends with its line; doubled quotes inside quotes are one
-- heading: first line
WITH parameters AS (
    SELECT *,
        coalesce(nullif(getvariable('options')['delimiter'], '\t'), CASE WHEN getvariable('options')['delimiter'] = '\t' THEN chr(9) ELSE ',' END) AS delimiter,
        coalesce(getvariable('options')['quote'], '"') AS quote
    FROM records
), split AS (
    SELECT *, origin.line = 1 AND getvariable('options')['columns'] IS NULL AS ignored,
        delimited_cells(raw, delimiter, quote) AS cells,
        list_transform(CASE WHEN getvariable('options')['columns'] IS NULL THEN delimited_cells(heading, delimiter, quote)
                            ELSE string_split(getvariable('options')['columns'], ',') END, lambda name: trim(name)) AS written
    FROM parameters
), named AS (
    -- a column without a name, or with the name of an earlier one, is called by its place
    SELECT *, list_transform(written, lambda name, place: CASE WHEN name = '' THEN 'field_' || place
                                                               WHEN list_position(written, name) < place THEN name || '_' || place ELSE name END) AS names
    FROM split
)
SELECT origin, raw,
    CASE WHEN len(cells) > len(names) THEN 'fields: ' || len(cells) || ' of them; expected ' || len(names) || ', separated by ' || delimiter END AS reject_reason,
    ignored,
    list_transform(list_zip(names, cells), lambda pair: {'key': pair[1],
        'value': CASE WHEN regexp_matches(pair[2], getvariable('options')['null_pattern']) THEN NULL ELSE pair[2] END}) AS entries
FROM named
