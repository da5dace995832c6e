-- title: logs of databases: PostgreSQL's log_line_prefix and durations, MySQL's slow log, MongoDB's operations
CREATE OR REPLACE MACRO postgresql_levels() AS
    'DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION|BACKTRACE';

-- the regular expression of a log_line_prefix: group 1 is the field of the letter, empty where the prefix has none.
-- %q ends the prefix of processes without a session; %-10u pads. The letter's escape is marked first: what it prints
-- becomes the group. Nested calls only: lambdas are not folded, and macros in macros take seconds to bind.
CREATE OR REPLACE MACRO postgresql_prefix_pattern(prefix, letter) AS '(?s)^' || replace(replace(
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        replace(regexp_replace(prefix, '([\\.^$|?*+(){}\[\]])', '\\\1', 'g'), '%%', chr(1)),
        '%-?\d*q', '(?:'),
        '(%-?\d*' || letter || ')', chr(2) || '\1'),
        '%-?\d*[mts]', ' *(?:\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?: (?:[A-Za-z]{1,6}|[+-]\\d\\d(?::?\\d\\d)?))?) *', 'g'),
        '%-?\d*n', ' *(?:\\d+(?:\\.\\d+)?) *', 'g'),
        '%-?\d*[pPlx]', ' *(?:\\d*) *', 'g'),
        '%-?\d*Q', ' *(?:-?\\d*) *', 'g'),
        '%-?\d*c', ' *(?:[0-9a-f]*(?:\\.[0-9a-f]+)?) *', 'g'),
        '%-?\d*e', ' *(?:[0-9A-Z]{5}) *', 'g'),
        '%-?\d*v', ' *(?:[\\d/]*) *', 'g'),
        '%-?\d*[hrL]', ' *(?:[^\\s,]*?) *', 'g'),
        '%-?\d*b', ' *(?:[A-Za-z][^\\[\\]]*?)? *', 'g'),
        '%-?\d*i', ' *(?:[A-Za-z][A-Za-z ]*?)? *', 'g'),
        '%-?\d*[A-Za-z]', ' *(?:.*?) *', 'g'),
    chr(2) || ' *(?:', ' *('), chr(1), '%')
    || CASE WHEN regexp_matches(replace(prefix, '%%', ''), '%-?\d*q') THEN ')?' ELSE '' END
    || CASE WHEN regexp_matches(replace(prefix, '%%', ''), '%-?\d*' || letter) THEN '' ELSE '()' END;

CREATE OR REPLACE MACRO postgresql_prefix_field(raw, letter) AS nullif(trim(regexp_extract(raw,
    postgresql_prefix_pattern(getvariable('options')['log_line_prefix'], letter) || '(?:' || postgresql_levels() || '):', 1)), '');

-- duration: 0.112 ms  execute S_1: SELECT …
CREATE OR REPLACE MACRO postgresql_duration(message) AS regexp_extract(message,
    '(?s)^duration: (\d+(?:\.\d+)?) ms(?:\s+(?:(statement|plan|fastpath function call|parse|bind|execute fetch from|execute)(?: (.*?))?:(?:\s+(.*))?|(.*)))?$',
    ['ms', 'step', 'name', 'text', 'other']);

-- the query of auto_explain's plan, which begins at the first line that has costs or a time
CREATE OR REPLACE MACRO postgresql_plan(text) AS regexp_extract(text, '(?s)^Query Text: (.*?)(?:\n((?:Query Parameters: [^\n]*\n)?[^\n]*\((?:cost|actual|never)[=\s].*))?$', ['query', 'plan']);

-- [unknown] is what PostgreSQL prints before it knows
CREATE OR REPLACE MACRO postgresql_known(value) AS nullif(nullif(value, ''), '[unknown]');

-- levels that the shared table of severities does not know
CREATE OR REPLACE MACRO postgresql_severity(level) AS CASE WHEN level ~ '^DEBUG[1-5]$' THEN 5 END::TINYINT;

-- milliseconds of seconds as text, without the noise of binary fractions
CREATE OR REPLACE MACRO database_seconds_ms(text) AS round(try_cast(text AS DOUBLE) * 1000, 6);

-- the cells of a CSV record; an unclosed quote ends with the record
CREATE OR REPLACE MACRO database_csv_cells(raw) AS list_transform(
    regexp_extract_all(',' || raw || CASE WHEN (length(raw) - length(replace(raw, '"', ''))) % 2 = 1 THEN '"' ELSE '' END, ',(?:"(?:[^"]|"")*"|[^,]*)'),
    lambda cell: nullif(CASE WHEN cell[2] = '"' THEN replace(cell[3:-2], '""', '"') ELSE cell[2:] END, ''));

-- host and port of 203.0.113.9:5432, ::1:5432, [2001:db8::7]:5432, [local]
CREATE OR REPLACE MACRO database_peer(text) AS regexp_extract(regexp_replace(text, '^\[([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\]', '\1'), '^(.*?)(?::(\d{1,5}))?$', ['host', 'port']);

-- `Key: value` pairs of the # lines of MySQL's slow log as {key, value}, names as logged; a key without a value is left out
CREATE OR REPLACE MACRO mysql_slow_entries(head) AS list_filter(list_transform(
    regexp_extract_all(regexp_replace(head, '(\w+:) (\w+:(?:\s|$))', '\1  \2', 'g'), '[A-Za-z_]\w*:(?: \S*)?'),
    lambda pair: {'key': split_part(pair, ':', 1), 'value': pair[instr(pair, ':') + 2:]}), lambda entry: entry.value <> '');

CREATE OR REPLACE MACRO mysql_slow_value(entries, name) AS
    list_filter(entries, lambda entry: lower(entry.key) = name)[1].value;

-- conn123 → 123, the number of the connection
CREATE OR REPLACE MACRO mongodb_connection(context) AS try_cast(regexp_extract(context, '^conn-?(\d+)$', 1) AS BIGINT);

CREATE OR REPLACE MACRO mongodb_severity(level) AS CASE WHEN level ~ '^D[1-5]$' THEN 5 WHEN level = 'U' THEN 9 END::TINYINT;

-- an operation in a text log: command db.coll command: { … } planSummary: … keysExamined:1 … locks:{…} 123ms
CREATE OR REPLACE MACRO mongodb_operation(message) AS regexp_extract(message,
    '(?s)^(?:warning: log line attempted \(\d+kB?\) over max size \(\d+kB?\), printing beginning and end \.\.\. )?(query|getmore|insert|update|remove|delete|command|killcursors|aggregate|find|distinct|count|applied op:) (\S+)(?:: | )?(.*?)[ ,]*(?:took )?(\d+)ms$',
    ['operation', 'namespace', 'rest', 'ms']);

-- where the numbers of an operation begin
CREATE OR REPLACE MACRO mongodb_numbers(rest) AS regexp_extract(rest,
    '(?s)^(.*?)(?:^|\s)((?:planSummary: |(?:cursorid|cursorExhausted|ntoreturn|ntoskip|nscanned|nscannedObjects|keysExamined|docsExamined|idhack|hasSortStage|fromMultiPlanner|replanned|exhaust|scanAndOrder|nmoved|nupdated|nMatched|nModified|ninserted|ndeleted|upsert|fastmod|fastmodinsert|keyUpdates|keysInserted|keysDeleted|writeConflicts|exception|code|numYields|nreturned|queryHash|planCacheKey|reslen|locks|locks\(micros\)|storage|protocol|usedDisk|ok|errMsg|errName|errCode|flowControl|prepareReadConflicts):\S).*)$',
    ['query', 'numbers']);

-- the entries of a JSON object, NULL for anything else; every cast is a try: the optimizer evaluates casts before conditions
CREATE OR REPLACE MACRO database_json_entries(text) AS
    list_transform(map_entries(try_cast(try_cast(text AS JSON) AS MAP(VARCHAR, JSON))), lambda entry: {'key': entry.key, 'value': json_text(entry.value)});

-- {"$numberLong": "5"}, as canonical extended JSON writes numbers, is 5
CREATE OR REPLACE MACRO mongodb_plain_numbers(entries) AS list_transform(entries, lambda entry: CASE
    WHEN starts_with(entry.value, '{"$number')
    THEN {'key': entry.key, 'value': regexp_replace(entry.value, '^\{"\$number(?:Long|Int|Double|Decimal)"\s*:\s*"?([-+.\w]+)"?\s*\}$', '\1')}
    ELSE entry END);

-- a written time in the source's zone; moment() of the shared macros also reads epoch numbers
CREATE OR REPLACE MACRO database_moment(text) AS moment_in_zone(text, getvariable('zone'));

CREATE OR REPLACE MACRO database_epoch(text) AS
    CASE WHEN regexp_full_match(text, '\d{1,11}(?:\.\d{1,12})?') THEN make_timestamp(try_cast(trunc(try_cast(text AS DECIMAL(38, 12)) * 1000000) AS BIGINT)) END;

CREATE OR REPLACE MACRO database_epoch_ms(text) AS
    CASE WHEN regexp_full_match(text, '\d{1,14}') THEN make_timestamp(try_cast(text AS BIGINT) * 1000) END;
