-- title: query templates
-- a query with its literals and comments masked and lists of values shortened, in one line
CREATE OR REPLACE MACRO query_template_of(query) AS trim(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(left(query, 8000),
        '(?s)/\*.*?\*/|--[^\n]*', ' ', 'g'),
        '(?s)''(?:[^''\\]|\\.|'''')*''|"(?:[^"\\]|\\.)*"', '?', 'g'),
        '\b-?(0x[0-9a-fA-F]+|\d+(\.\d+)?([eE][+-]?\d+)?)\b', '?', 'g'),
        '\(\s*\?(\s*,\s*\?)+\s*\)', '(?, …)', 'g'),
        '\s+', ' ', 'g'), ' ;');
