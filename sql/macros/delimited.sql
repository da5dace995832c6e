-- title: delimited text and key=value pairs
CREATE OR REPLACE MACRO regexp_quoted(text) AS regexp_replace(text, '([^\w\s])', '\\\1', 'g');

-- cells of a line; a cell in quotes may hold the delimiter, doubled quotes in it are one
CREATE OR REPLACE MACRO delimited_cells(line, delimiter, quote) AS
    CASE WHEN quote = '' OR NOT contains(line, quote) THEN string_split(line, delimiter)
         ELSE list_transform(
            regexp_extract_all(delimiter || line, regexp_quoted(delimiter) || '(?: *' || regexp_quoted(quote) || '((?:[^' || regexp_quoted(quote) || ']|'
                || regexp_quoted(quote) || regexp_quoted(quote) || ')*)' || regexp_quoted(quote) || '[^' || regexp_quoted(delimiter[1]) || ']*|[^' || regexp_quoted(delimiter[1]) || ']*)'),
            lambda cell: CASE WHEN starts_with(ltrim(cell[length(delimiter) + 1:], ' '), quote) AND ends_with(rtrim(cell), quote) AND length(trim(cell[length(delimiter) + 1:])) >= 2
                              THEN replace(trim(cell[length(delimiter) + 1:])[2:-2], quote || quote, quote)
                              ELSE cell[length(delimiter) + 1:] END) END;
