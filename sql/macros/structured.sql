-- title: application logs of JSON objects and key=value pairs
-- the first of the named fields, whatever the case of its name, as {key, value}; names are in lower case, the preferred first
CREATE OR REPLACE MACRO structured_field(entries, names) AS
    list_extract(list_sort(list_transform(
        list_filter(entries, lambda entry: list_contains(names, lower(entry.key)) AND nullif(entry.value, '') IS NOT NULL),
        lambda entry, nth: {'place': list_position(names, lower(entry.key)), 'nth': nth, 'key': entry.key, 'value': entry.value})), 1);

-- entries that are no columns; taken are the keys that are
CREATE OR REPLACE MACRO structured_rest(entries, taken) AS
    list_filter(entries, lambda entry: nullif(entry.value, '') IS NOT NULL AND NOT list_contains(taken, entry.key));

-- a JSON array of strings as lines; other text as it is, its lines ended by line feeds
CREATE OR REPLACE MACRO structured_lines(text) AS
    CASE WHEN starts_with(text, '[') AND json_valid(text) THEN array_to_string(TRY(from_json(text, '["VARCHAR"]')), chr(10))
         ELSE replace(text, chr(13) || chr(10), chr(10)) END;

-- {type, message, stack, rest} of a logged error: an object of an error class, or its message; rest is JSON text
CREATE OR REPLACE MACRO structured_error(value) AS
    CASE WHEN nullif(value, '') IS NULL THEN NULL
         WHEN starts_with(value, '{') AND json_valid(value) THEN
             list_transform([json_extract_string(value, ['$.type', '$.class', '$.name', '$.kind', '$.message', '$.msg', '$.stack',
                                                         '$.stack_trace', '$.stacktrace', '$.extendedStackTrace'])],
                lambda found: {'type': coalesce(nullif(found[1], ''), nullif(found[2], ''), nullif(found[3], ''), nullif(found[4], '')),
                               'message': coalesce(nullif(found[5], ''), nullif(found[6], '')),
                               'stack': coalesce(nullif(found[7], ''), nullif(found[8], ''), nullif(found[9], ''), nullif(found[10], '')),
                               'rest': nullif(json_merge_patch(value, json_object(
                                   CASE WHEN nullif(found[1], '') IS NOT NULL THEN 'type' WHEN nullif(found[2], '') IS NOT NULL THEN 'class'
                                        WHEN nullif(found[3], '') IS NOT NULL THEN 'name' ELSE 'kind' END, NULL,
                                   CASE WHEN nullif(found[5], '') IS NOT NULL THEN 'message' ELSE 'msg' END, NULL,
                                   CASE WHEN nullif(found[7], '') IS NOT NULL THEN 'stack' WHEN nullif(found[8], '') IS NOT NULL THEN 'stack_trace'
                                        WHEN nullif(found[9], '') IS NOT NULL THEN 'stacktrace' ELSE 'extendedStackTrace' END, NULL))::VARCHAR, '{}')})[1]
         WHEN starts_with(value, '[') THEN {'type': NULL::VARCHAR, 'message': NULL::VARCHAR, 'stack': NULL::VARCHAR, 'rest': value}
         ELSE {'type': NULL::VARCHAR, 'message': value, 'stack': NULL::VARCHAR, 'rest': NULL::VARCHAR} END;

-- names of the levels of pino and bunyan; a level between them, or one logged by name, is as it is
CREATE OR REPLACE MACRO structured_node_level(level) AS
    coalesce(map_extract_value(MAP {'10': 'trace', '20': 'debug', '30': 'info', '40': 'warn', '50': 'error', '60': 'fatal'}, level), level);

CREATE OR REPLACE MACRO structured_node_severity(level) AS
    CASE WHEN regexp_full_match(level, '\d{1,3}')
         THEN [1, 5, 9, 13, 17, 21][least(greatest(level::INTEGER // 10, 1), 6)] END::TINYINT;

-- severity number of slog's levels between and beyond the named ones: INFO+2, ERROR+4, DEBUG-4
CREATE OR REPLACE MACRO structured_slog_severity(level) AS
    CASE WHEN regexp_full_match(level, '(DEBUG|INFO|WARN|ERROR)[+-]\d{1,2}')
         THEN least(greatest(severity_number_of(regexp_extract(level, '^[A-Z]+')) + regexp_extract(level, '[+-]\d+$')::INTEGER, 1), 24)
    END::TINYINT;

CREATE OR REPLACE MACRO structured_trace_id(entries) AS structured_field(entries,
    ['trace_id', 'traceid', 'trace.id', 'otel.trace_id', 'logging.googleapis.com/trace', '@tr', 'dd.trace_id', 'x-b3-traceid']);

CREATE OR REPLACE MACRO structured_span_id(entries) AS structured_field(entries,
    ['span_id', 'spanid', 'span.id', 'otel.span_id', 'logging.googleapis.com/spanid', '@sp', 'dd.span_id', 'x-b3-spanid']);

-- key=value pairs of a line as logfmt has them: bare keys, key=, key=value, key="quoted \"value\""
CREATE OR REPLACE MACRO structured_pairs(line) AS
    regexp_extract_all(line, '[^\x00-\x20="]+(?:=(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^\x00-\x20"][^\x00-\x20]*)?)?');

-- a quoted value without its quotes, its escapes those of JSON; of a value that is no JSON only \" and \\ are escapes
CREATE OR REPLACE MACRO structured_unquoted(value) AS
    CASE WHEN NOT starts_with(value, '"') THEN value
         WHEN contains(value, '\') AND json_valid(value) THEN json_extract_string(value, '$')
         ELSE replace(replace(replace(regexp_extract(value, '^"((?:[^"\\]|\\.)*)', 1), '\\', chr(0)), '\"', '"'), chr(0), '\') END;

-- whether a pair is odd: a value with = or " in it and no quotes around it, quotes that do not end, escapes that JSON does not know
CREATE OR REPLACE MACRO structured_is_odd(pair) AS
    CASE WHEN NOT contains(pair, '=') THEN false
         WHEN pair[instr(pair, '=') + 1] = '"'
         THEN NOT regexp_matches(pair, '=".*"$') OR (contains(pair, '\') AND NOT json_valid(pair[instr(pair, '=') + 1:]))
         ELSE regexp_matches(pair, '=.*[="]') END;

-- pairs as list of {key, value}; a bare key is true, key= has no value
CREATE OR REPLACE MACRO structured_pair_entries(pairs) AS
    list_transform(pairs, lambda pair: {
        'key': split_part(pair, '=', 1),
        'value': CASE WHEN contains(pair, '=') THEN structured_unquoted(pair[instr(pair, '=') + 1:]) ELSE 'true' END});

-- moment() with short cuts for what nearly every such log writes: ISO 8601 and epoch numbers
CREATE OR REPLACE MACRO structured_epoch(whole, fraction) AS make_timestamp(
    CASE WHEN length(whole) <= 11 THEN whole::BIGINT * 1000000 + rpad(left(fraction, 6), 6, '0')::BIGINT
         WHEN length(whole) <= 14 THEN whole::BIGINT * 1000 + rpad(left(fraction, 3), 3, '0')::BIGINT
         WHEN length(whole) <= 17 THEN whole::BIGINT
         ELSE try_cast(whole AS BIGINT) // 1000 END);

CREATE OR REPLACE MACRO structured_moment(text, parts) AS
    CASE WHEN regexp_full_match(text, '\d{9,19}(\.\d{1,30})?')
         THEN {'time': structured_epoch(split_part(text, '.', 1), split_part(text, '.', 2)), 'basis': 'epoch', 'wrong_weekday': NULL::VARCHAR}
         WHEN parts.date <> ''
         THEN {'time': iso_time(parts, getvariable('zone')), 'basis': iso_basis(parts, getvariable('zone')), 'wrong_weekday': NULL::VARCHAR}
         ELSE moment(text) END;
