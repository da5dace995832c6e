-- title: query templates
-- literals of a query masked; what quotes mean depends on the system: in PostgreSQL "…" is an identifier and a backslash
-- escapes only in E'…', in MySQL both quotes are strings, MongoDB writes documents with keys
CREATE OR REPLACE MACRO query_text_masked(query, system) AS
    CASE WHEN system = 'mongodb' THEN regexp_replace(regexp_replace(query,
             '([:,\[]\s*)"(?:[^"\\]|\\.)*"(\s*[,}\]]|$)', '\1?\2', 'g'),
             '([:,\[]\s*)"(?:[^"\\]|\\.)*"(\s*[,}\]]|$)|\b(?:UUID|ObjectId|new Date|Timestamp|BinData)\([^()]*\)|\bObjectId(?:\(''\w*''\))?', '\1?\2', 'g')
         WHEN system = 'postgresql' THEN regexp_replace(regexp_replace(query,
             '(?s)/\*.*?\*/|--[^\n]*', ' ', 'g'),
             '(?s)\b[eE]''(?:[^''\\]|\\.|'''')*''|''(?:[^'']|'''')*''|\$\$.*?\$\$|\$\d+\b', '?', 'g')
         ELSE regexp_replace(regexp_replace(query,
             '(?s)/\*(?:[^!+].*?)??\*/|--[ \t][^\n]*|(?:^|\n)[ \t]*#[^\n]*', ' ', 'g'),
             '(?s)''(?:[^''\\]|\\.|'''')*''|"(?:[^"\\]|\\.|"")*"', '?', 'g') END;

-- a query with its literals and comments masked and lists of values shortened, in one line
CREATE OR REPLACE MACRO query_template_of(query, system) AS trim(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(query_text_masked(left(query, 8000), system),
        '\b(0x[0-9a-fA-F]+|\d+(\.\d+)?([eE][+-]?\d+)?)\b', '?', 'g'),
        '\[\s*-?\?(?:\s*,\s*-?\?)+\s*\]', '[?, …]', 'g'),
        '\(\s*-?\?(?:\s*,\s*-?\?)+\s*\)', '(?, …)', 'g'),
        '(\(\?(?:, …)?\))(?:\s*,\s*\(\?(?:, …)?\))+', '\1, …', 'g'),
        '\s+', ' ', 'g'), ' ;');
