-- title: nothing-is-null, attribute maps, masking
-- `-` and empty mean "not there", never zero
CREATE OR REPLACE MACRO dash_null(value) AS nullif(nullif(value, '-'), '');

CREATE OR REPLACE MACRO no_attributes() AS MAP {}::MAP(VARCHAR, VARCHAR);

-- a duration or a size: what is negative, no number or beyond 1e15 is none, and sums would overflow
CREATE OR REPLACE MACRO measured(number) AS CASE WHEN number BETWEEN 0 AND 1e15 THEN number END;

-- entries: list of {key, value}; those without a value are left out, of equal keys the first stays. The list is a lambda's
-- argument so that it is computed once, however large its expression.
CREATE OR REPLACE MACRO attributes_of(entries) AS list_transform(
    list_transform([list_filter(entries, lambda entry: entry.value IS NOT NULL)],
        lambda given: {'given': given, 'keys': list_transform(given, lambda entry: entry.key)}),
    lambda listed: map_from_entries(list_filter(listed.given, lambda entry, place: list_position(listed.keys, entry.key) = place)))[1]::MAP(VARCHAR, VARCHAR);

-- the constant part of a message: ids, addresses, numbers and quoted values masked
CREATE OR REPLACE MACRO message_template(body) AS
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(left(body, 2000),
        '[\w.+-]+@[\w-]+\.[\w.-]+', '<email>', 'g'),
        '\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b', '<uuid>', 'g'),
        '\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(:\d+)?\b', '<address>', 'g'),
        '"[^"]*"|''[^'']*''', '<text>', 'g'),
        '\b(0x[0-9a-fA-F]+|[0-9a-fA-F]{8,})\b', '<n>', 'g'),
        '\d+([.,:]\d+)*', '<n>', 'g');
