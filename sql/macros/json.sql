-- title: JSON objects as lists of key and text, without float rounding of integers
-- half of a surrogate pair, as a program leaves it that cuts strings, is U+FFFD; text that is JSON stays as it is
CREATE OR REPLACE MACRO json_mended(text) AS
    CASE WHEN NOT contains(text, '\u') OR json_valid(text) THEN text
         ELSE regexp_replace(regexp_replace(regexp_replace(text,
            '\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})', chr(1) || '\1' || chr(1) || '\2', 'g'),
            '\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\ufffd', 'g'),
            chr(1), '\\u', 'g') END;

-- whether a text is one JSON object as RFC 8259 has it: DuckDB also reads NaN, Infinity and a comma before a bracket
CREATE OR REPLACE MACRO json_is_object(text) AS
    CASE WHEN NOT json_valid(text) THEN false
         WHEN json_type(text) <> 'OBJECT' THEN false
         WHEN NOT regexp_matches(text, '(?i)\b(?:nan|inf(?:inity)?)\b|,\s*[}\]]') THEN true
         ELSE NOT regexp_matches(regexp_replace(text, '"(?:[^"\\]|\\.)*"', '""', 'g'), '(?i)nan|inf|,\s*[}\]]') END;

CREATE OR REPLACE MACRO json_text(value) AS
    CASE json_type(value) WHEN 'NULL' THEN NULL WHEN 'VARCHAR' THEN value ->> '$' ELSE value::VARCHAR END;

CREATE OR REPLACE MACRO json_entries(text) AS
    list_transform(map_entries(TRY(text::JSON::MAP(VARCHAR, JSON))), lambda entry: {'key': entry.key, 'value': json_text(entry.value)});

-- the first of the named fields that the object has, as {key, value}; names come in order of preference, of equal keys the first
CREATE OR REPLACE MACRO json_field(entries, names) AS
    list_extract(list_sort(list_transform(
        list_filter(entries, lambda entry: list_contains(names, entry.key) AND entry.value IS NOT NULL),
        lambda entry, nth: {'place': list_position(names, entry.key), 'nth': nth, 'key': entry.key, 'value': entry.value})), 1);

CREATE OR REPLACE MACRO json_event_fields(name) AS
    CASE WHEN getvariable('fields')[name] IS NOT NULL THEN [getvariable('fields')[name]]
         ELSE CASE name
              WHEN 'event_time' THEN ['event_time', 'ts', 'timestamp', '@timestamp', 'time', 'datetime', 'date', 'created_at', 'eventTime', 'unixTime', 'started_at', 't']
              WHEN 'event_name' THEN ['event_name', 'event', 'type', 'name', 'action']
              WHEN 'user_id' THEN ['user_id', 'userId', 'uid', 'user']
              WHEN 'session_id' THEN ['session_id', 'sessionId', 'session']
              WHEN 'app_id' THEN ['app_id', 'appId', 'app']
              WHEN 'published_time' THEN ['published_time', 'published_at', 'sent_at', 'received_at'] END END;
