-- title: proxies, CDNs and W3C logs: syslog prefixes, fields by name, whole URLs
-- Bytes that are not UTF-8 when decoded stay as they were logged.
CREATE OR REPLACE MACRO proxy_decoded(text) AS
    CASE WHEN contains(text, '%') THEN coalesce(TRY(url_decode(text)), text) ELSE text END;

-- what a program behind syslog wrote, and who: RFC 5424, RFC 3164 with or without PRI and host name, or ISO 8601 times.
-- An empty message means that there is no prefix.
CREATE OR REPLACE MACRO proxy_prefix(line) AS
    CASE WHEN regexp_matches(line, '^(?:<\d{1,3}>)?1 (?:-|\d{4}-)') THEN regexp_extract(line,
             '^(?:<(\d{1,3})>)?1 (\S+) (\S+) (\S+) (\S+) \S+ (?:-|(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])+) ?(.*)$',
             ['pri', 'time', 'host', 'program', 'pid', 'message'])
         ELSE regexp_extract(line,
             '^(?:<(\d{1,3})>)?([A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?) (?:([^\s\[]*[^\s\[:]) )?([^\s\[:]+)(?:\[(\d+)\])?: ?(.*)$',
             ['pri', 'time', 'host', 'program', 'pid', 'message']) END;

-- minutes east of UTC of +09:00, +0900 or Z
CREATE OR REPLACE MACRO proxy_offset_minutes(text) AS
    CASE WHEN left(text, 1) = '-' THEN -1 ELSE 1 END
    * (coalesce(try_cast(text[2:3] AS INTEGER), 0) * 60 + coalesce(try_cast(right(replace(text[4:], ':', ''), 2) AS INTEGER), 0));

-- Casts here never raise, not even behind a guard: DuckDB may cast values that CASE does not select.
CREATE OR REPLACE MACRO proxy_iso_time(parts) AS
    try_cast(parts.date || ' ' || parts.time AS TIMESTAMP) + fraction_micros(parts.fraction) - to_minutes(proxy_offset_minutes(parts."offset"));

-- seconds, milli-, micro- or nanoseconds since 1970, told apart by size
CREATE OR REPLACE MACRO proxy_epoch(text) AS make_timestamp(try_cast(
    CASE WHEN NOT regexp_matches(text, '^\d{9,19}(\.\d{1,30})?$') THEN NULL
         WHEN length(split_part(text, '.', 1)) <= 11 THEN split_part(text, '.', 1) || rpad(left(split_part(text, '.', 2), 6), 6, '0')
         WHEN length(split_part(text, '.', 1)) <= 14 THEN split_part(text, '.', 1) || rpad(left(split_part(text, '.', 2), 3), 3, '0')
         WHEN length(split_part(text, '.', 1)) <= 17 THEN split_part(text, '.', 1)
         ELSE left(split_part(text, '.', 1), -3) END AS BIGINT));

-- moment() for times of any form
CREATE OR REPLACE MACRO proxy_moment(text) AS
    CASE WHEN text ~ '^\d{9,19}(\.\d{1,30})?$' THEN {'time': proxy_epoch(text), 'basis': 'epoch', 'wrong_weekday': NULL::VARCHAR}
         ELSE moment_in_zone(text, getvariable('zone')) END;

-- severity of a syslog priority
CREATE OR REPLACE MACRO proxy_severity(pri) AS
    ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'][try_cast(pri AS INTEGER) % 8 + 1];

-- https://shop.example:8443/a?b → scheme, host, port, target; all empty where the text is no URL
CREATE OR REPLACE MACRO proxy_url(text) AS
    regexp_extract(text, '^([A-Za-z][\w+.-]*)://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d*))?(.*)$', ['scheme', 'host', 'port', 'target']);

-- HTTP/1.1 → 1.1
CREATE OR REPLACE MACRO proxy_http_version(text) AS
    CASE WHEN starts_with(upper(text), 'HTTP/') THEN nullif(text[6:], '') ELSE dash_null(text) END;

-- TLSv1.3 → 1.3; SSLv3 stays
CREATE OR REPLACE MACRO proxy_tls_version(text) AS
    CASE WHEN starts_with(upper(text), 'TLSV') THEN nullif(text[5:], '') ELSE dash_null(text) END;

-- milliseconds of a number of seconds
CREATE OR REPLACE MACRO proxy_seconds(text) AS
    CASE WHEN regexp_full_match(text, '\d{1,9}(\.\d{1,9})?') THEN round(try_cast(text AS DOUBLE) * 1000, 6) END;

-- milliseconds that may have a + before them (not finished when it was logged); -1 means that it never came to that
CREATE OR REPLACE MACRO proxy_millis(text) AS
    CASE WHEN regexp_full_match(text, '\+?\d{1,11}') THEN try_cast(ltrim(text, '+') AS DOUBLE) END;

-- what #Name: says in a block of directives
CREATE OR REPLACE MACRO proxy_directive(block, name) AS regexp_extract(block, '(?m)^#' || name || ':[ \t]*([^\r\n]*)', 1);

-- cs(User-Agent) → cs_user_agent, TimeTakenMS → time_taken_ms
CREATE OR REPLACE MACRO proxy_names_in_snake(text) AS
    lower(regexp_replace(translate(text, '-(.)', '___'), '([a-z0-9])([A-Z])', '\1_\2', 'g'));

-- the fields of a #Fields: directive
CREATE OR REPLACE MACRO proxy_field_names(text) AS
    string_split(trim(CASE WHEN regexp_matches(text, '  |,|\t') THEN regexp_replace(proxy_names_in_snake(text), '[ ,\t]+', ' ', 'g')
                           ELSE proxy_names_in_snake(text) END), ' ');

-- the value of a field; NULL where there is none
CREATE OR REPLACE MACRO proxy_cell(names, cells, name) AS dash_null(cells[list_position(names, name)]);

-- all fields but those in taken, as attributes; cells without a name are field_<number>
CREATE OR REPLACE MACRO proxy_other_cells(names, cells, taken) AS attributes_of(list_filter(
    list_transform(cells, lambda cell, place: {'key': coalesce(nullif(names[place], ''), 'field_' || place), 'value': dash_null(cell)}),
    lambda entry: entry.value IS NOT NULL AND NOT list_contains(taken, entry.key)));

-- Cells of a W3C row: between tabs, commas (Exchange) or spaces; a cell in quotes may hold spaces, doubled quotes in it are one.
CREATE OR REPLACE MACRO proxy_w3c_cells(line, names_text) AS
    CASE WHEN contains(line, chr(9)) THEN string_split(line, chr(9))
         WHEN contains(names_text, ',') THEN delimited_cells(line, ',', '"')
         WHEN contains(line, ' "') OR contains(line, '  ') OR starts_with(line, '"')
         THEN list_transform(regexp_extract_all(line, '"(?:[^"]|"")*"|\S+'), lambda cell:
              CASE WHEN length(cell) >= 2 AND starts_with(cell, '"') AND ends_with(cell, '"') THEN replace(cell[2:-2], '""', '"') ELSE cell END)
         ELSE string_split(line, ' ') END;

-- IIS writes a space of a header as +, and a plus as + too; before a web address in brackets or behind a + it is the plus
CREATE OR REPLACE MACRO proxy_plus_decoded(text) AS
    CASE WHEN NOT contains(text, '+') OR contains(text, ' ') THEN text
         WHEN contains(text, '+http') THEN replace(replace(regexp_replace(text, '([+(])\+(https?:)', '\1' || chr(1) || '\2', 'g'), '+', ' '), chr(1), '+')
         ELSE replace(text, '+', ' ') END;

-- [198.51.100.7](http://198.51.100.7), as an address becomes where a log passes through a chat → the address
CREATE OR REPLACE MACRO proxy_unlinked(text) AS
    CASE WHEN starts_with(text, '[') THEN coalesce(nullif(regexp_extract(text, '^\[([^\]]+)\]\(http[^)]*\)$', 1), ''), text) ELSE text END;

-- The columns of IIS rows without a heading, in the order in which IIS writes the fields that are ticked.
CREATE OR REPLACE MACRO proxy_iis_method_at(cells) AS
    CASE WHEN regexp_full_match(cells[4], '[A-Za-z_-]{2,20}') AND regexp_full_match(cells[7], '\d{1,5}') THEN 4
         WHEN regexp_full_match(cells[5], '[A-Za-z_-]{2,20}') AND regexp_full_match(cells[8], '\d{1,5}') THEN 5
         WHEN regexp_full_match(cells[6], '[A-Za-z_-]{2,20}') AND regexp_full_match(cells[9], '\d{1,5}') THEN 6 END;

-- where status, substatus and Windows status stand, counted from the cell behind the client's address
CREATE OR REPLACE MACRO proxy_iis_status_at(rest) AS
    list_position(list_transform(range(1, 7), lambda place:
        coalesce(regexp_full_match(rest[place], '\d{3}') AND regexp_full_match(rest[place + 1], '\d{1,5}') AND regexp_full_match(rest[place + 2], '\d{1,10}'), false)), true);

CREATE OR REPLACE MACRO proxy_iis_headers(rest, status_at) AS
    CASE status_at WHEN 1 THEN []
         WHEN 2 THEN ['cs_user_agent']
         WHEN 3 THEN ['cs_user_agent', 'cs_referer']
         WHEN 4 THEN CASE WHEN rest[3] = '-' OR contains(rest[3], '://') THEN ['cs_user_agent', 'cs_cookie', 'cs_referer'] ELSE ['cs_user_agent', 'cs_referer', 'cs_host'] END
         WHEN 5 THEN ['cs_user_agent', 'cs_cookie', 'cs_referer', 'cs_host'] END;

CREATE OR REPLACE MACRO proxy_iis_sizes(count) AS
    CASE count WHEN 0 THEN [] WHEN 1 THEN ['time_taken'] WHEN 2 THEN ['sc_bytes', 'cs_bytes'] WHEN 3 THEN ['sc_bytes', 'cs_bytes', 'time_taken']
         ELSE ['sc_bytes', 'cs_bytes', 'time_taken', 'x_forwarded_for'] END;

CREATE OR REPLACE MACRO proxy_iis_tail(rest) AS
    CASE WHEN proxy_iis_status_at(rest) IS NOT NULL
         THEN proxy_iis_headers(rest, proxy_iis_status_at(rest)) || ['sc_status', 'sc_substatus', 'sc_win32_status']
              || proxy_iis_sizes(len(rest) - proxy_iis_status_at(rest) - 2) END;

CREATE OR REPLACE MACRO proxy_iis_names(cells, method_at) AS
    ['date', 'time']
    || CASE method_at WHEN 4 THEN [CASE WHEN regexp_matches(cells[3], '^[\[\d]|:') THEN 's_ip' ELSE 's_sitename' END]
                      WHEN 5 THEN ['s_sitename', 's_ip'] ELSE ['s_sitename', 's_computername', 's_ip'] END
    || ['cs_method', 'cs_uri_stem', 'cs_uri_query', 's_port', 'cs_username', 'c_ip']
    || CASE WHEN starts_with(cells[method_at + 6], 'HTTP/') THEN ['cs_version'] || proxy_iis_tail(cells[method_at + 7:])
            ELSE proxy_iis_tail(cells[method_at + 6:]) END;

CREATE OR REPLACE MACRO proxy_httperr_names(count) AS
    ['date', 'time', 'c_ip', 'c_port', 's_ip', 's_port', 'cs_version', 'cs_method', 'cs_uri']
    || CASE WHEN count <= 12 THEN ['sc_status', 's_siteid', 's_reason']
            WHEN count = 13 THEN ['sc_status', 's_siteid', 's_reason', 's_queuename']
            ELSE ['streamid', 'sc_status', 's_siteid', 's_reason', 's_queuename', 'transport'] END;

-- IIS's own format: always these columns, local time
CREATE OR REPLACE MACRO proxy_is_iis_native(line) AS
    regexp_matches(line, '^[^,\s]+, [^,]*, \d{1,2}/\d{1,2}/\d{2,4}, \d{1,2}:\d\d:\d\d, ');

CREATE OR REPLACE MACRO proxy_headless_names(line, cells) AS
    CASE WHEN proxy_is_iis_native(line)
         THEN ['c_ip', 'cs_username', 'date_local', 'time_local', 's_sitename', 's_computername', 's_ip', 'time_taken', 'cs_bytes', 'sc_bytes',
               'sc_status', 'sc_win32_status', 'cs_method', 'cs_uri_stem', 'cs_uri_query']
         WHEN NOT regexp_matches(line, '^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ') THEN NULL
         WHEN len(cells) BETWEEN 12 AND 15 AND regexp_full_match(cells[4], '\d{1,5}') AND regexp_full_match(cells[6], '\d{1,5}')
              AND (cells[7] = '-' OR starts_with(cells[7], 'HTTP/')) THEN proxy_httperr_names(len(cells))
         WHEN proxy_iis_method_at(cells) IS NOT NULL THEN proxy_iis_names(cells, proxy_iis_method_at(cells)) END;

-- the columns of CloudFront's standard log, as documented
CREATE OR REPLACE MACRO proxy_cloudfront_columns() AS
    'date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie)'
    || ' x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher'
    || ' x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte'
    || ' x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end';

-- a day of the year and a time, in the year that brings it nearest before the end of the landing hour's day
CREATE OR REPLACE MACRO proxy_day_of_year(day, clock) AS
    list_transform([try_cast(year(getvariable('landing')::TIMESTAMP) || '-01-01 ' || clock AS TIMESTAMP) + to_days(try_cast(day AS INTEGER) - 1)], lambda wall:
        CASE WHEN wall > getvariable('landing')::TIMESTAMP + INTERVAL 2 DAY
             THEN try_cast((year(getvariable('landing')::TIMESTAMP) - 1) || '-01-01 ' || clock AS TIMESTAMP) + to_days(try_cast(day AS INTEGER) - 1) ELSE wall END)[1];

-- a number as logged; -1 is nothing
CREATE OR REPLACE MACRO proxy_counted(text) AS nullif(nullif(text, '-1'), '');

-- 203.0.113.9:443 and [2001:db8::1]:443 → address; a name or a path of a socket has no port and is no address with one
CREATE OR REPLACE MACRO proxy_address(text) AS
    CASE WHEN starts_with(text, '[') THEN nullif(regexp_extract(text, '^\[([^\]]+)\]', 1), '') ELSE nullif(regexp_extract(text, '^([^:/]+|(?:[0-9A-Fa-f]*:){2,}[0-9A-Fa-f.]*?)(?::\d{1,5})?$', 1), '') END;

CREATE OR REPLACE MACRO proxy_port(text) AS try_cast(nullif(regexp_extract(text, '(?:^[^:]+|\]):(\d{1,5})$', 1), '') AS INTEGER);

-- shop.example:8080 → shop.example; [2001:db8::1]:8080 and [2001:db8::1] → 2001:db8::1
CREATE OR REPLACE MACRO proxy_host(text) AS
    CASE WHEN contains(text, ':') THEN coalesce(trim(nullif(regexp_extract(text, '^([^:]+|\[[^\]]*\])(?::\d*)?$', 1), ''), '[]'), text) ELSE text END;

-- (null) is what Varnish writes for a header that is not there
CREATE OR REPLACE MACRO proxy_null(text) AS nullif(dash_null(text), '(null)');

-- the entries of a JSON object within one, their keys behind a prefix
CREATE OR REPLACE MACRO proxy_nested(text, prefix) AS
    CASE WHEN starts_with(text, '{') AND json_valid(text)
         THEN list_transform(TRY(json_entries(text)), lambda entry: {'key': prefix || entry.key, 'value': entry.value}) ELSE [] END;

-- a line of HAProxy's option httplog clf, written as one of option httplog; another text stays
CREATE OR REPLACE MACRO proxy_haproxy_clf_as_http(message) AS list_transform([regexp_extract(message,
    '^(\S+) - - \[([^ \]]+) ([+-]\d{4})\] ("[^"]*") (\S+) (\S+) "" "" (\S+) (\d+) "([^"]*)" "([^"]*)" "([^"]*)" (\S+) (\S+) (\S+) (\S+) (\S+) "?([^\s"]{4})"? (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" "([^"]*)"(.*)$',
    ['client', 'clock', 'shift', 'request', 'status', 'bytes', 'port', 'milliseconds', 'frontend', 'backend', 'server', 'tq', 'tw', 'tc', 'tr', 'tt',
     'state', 'actconn', 'feconn', 'beconn', 'srv_conn', 'retries', 'srv_queue', 'backend_queue', 'request_cookie', 'response_cookie', 'more'])], lambda k:
    CASE WHEN k.client = '' THEN message
         ELSE k.client || ':' || k.port || ' [' || k.clock || '.' || lpad(k.milliseconds, 3, '0') || ' ' || k.shift || '] ' || k.frontend || ' ' || k.backend || '/' || k.server
              || ' ' || k.tq || '/' || k.tw || '/' || k.tc || '/' || k.tr || '/' || k.tt || ' ' || k.status || ' ' || k.bytes
              || ' ' || coalesce(nullif(k.request_cookie, ''), '-') || ' ' || coalesce(nullif(k.response_cookie, ''), '-') || ' ' || k.state
              || ' ' || k.actconn || '/' || k.feconn || '/' || k.beconn || '/' || k.srv_conn || '/' || k.retries || ' ' || k.srv_queue || '/' || k.backend_queue
              || ' ' || k.request || k.more END)[1];
