-- title: cells of delimited lines
CREATE OR REPLACE MACRO regexp_quoted(text) AS regexp_replace(text, '([!-/:-@\[-^`{-~])', '\\\1', 'g');

-- a cell with quotes around it, spaces before and after them left out, as a pattern
CREATE OR REPLACE MACRO delimited_quoted(quote) AS
    ' *' || regexp_quoted(quote) || '(?:[^' || regexp_quoted(quote) || ']|' || regexp_quoted(quote) || regexp_quoted(quote) || ')*' || regexp_quoted(quote) || ' *';

-- cells of a line; a cell in quotes may hold the delimiter, doubled quotes in it are one; quotes elsewhere in a cell are text
CREATE OR REPLACE MACRO delimited_cells(line, delimiter, quote) AS
    CASE WHEN quote = '' OR NOT contains(line, quote) THEN string_split(line, delimiter)
         ELSE list_transform(
            regexp_extract_all(line || delimiter, '(?s)(?:' || delimited_quoted(quote) || '|.*?)' || regexp_quoted(delimiter)),
            lambda cell: CASE WHEN regexp_full_match(cell[:-length(delimiter) - 1], '(?s)' || delimited_quoted(quote))
                              THEN replace(trim(cell[:-length(delimiter) - 1], ' ')[2:-2], quote || quote, quote)
                              ELSE cell[:-length(delimiter) - 1] END) END;
