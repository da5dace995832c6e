-- title: JSON objects as lists of key and text, without float rounding of integers
CREATE OR REPLACE MACRO json_text(value) AS
    CASE json_type(value) WHEN 'NULL' THEN NULL WHEN 'VARCHAR' THEN value ->> '$' ELSE value::VARCHAR END;

CREATE OR REPLACE MACRO json_entries(text) AS
    list_transform(map_entries(text::JSON::MAP(VARCHAR, JSON)), lambda entry: {'key': entry.key, 'value': json_text(entry.value)});

-- the first of the named fields that the object has, as {key, value}; names come in order of preference
CREATE OR REPLACE MACRO json_field(entries, names) AS
    list_extract(list_sort(list_transform(
        list_filter(entries, lambda entry: list_contains(names, entry.key) AND entry.value IS NOT NULL),
        lambda entry: {'place': list_position(names, entry.key), 'key': entry.key, 'value': entry.value})), 1);

CREATE OR REPLACE MACRO json_event_fields(name) AS
    CASE WHEN getvariable('fields')[name] IS NOT NULL THEN [getvariable('fields')[name]]
         ELSE CASE name
              WHEN 'event_time' THEN ['event_time', 'ts', 'timestamp', '@timestamp', 'time', 'datetime', 'date', 'created_at']
              WHEN 'event_name' THEN ['event_name', 'event', 'type', 'name', 'action']
              WHEN 'user_id' THEN ['user_id', 'userId', 'uid', 'user']
              WHEN 'session_id' THEN ['session_id', 'sessionId', 'session']
              WHEN 'app_id' THEN ['app_id', 'appId', 'app']
              WHEN 'published_time' THEN ['published_time', 'published_at', 'sent_at', 'received_at'] END END;
