-- title: logs of cloud providers: quoted cells, absolute URLs, endpoints, protocol numbers, JSON entries in snake case
-- cells separated by spaces, quotes still around them; a quote inside a quoted cell is either escaped or not followed by a space
CREATE OR REPLACE MACRO cloud_logged_cells(text) AS
    regexp_extract_all(text, '(?s)(?:^| )("(?:[^"\\]|\\.|"[^" ])*"|"[^"]*$|[^ ]*)', 1);

-- the line ends inside a quoted cell
CREATE OR REPLACE MACRO cloud_is_open(cell) AS
    coalesce(starts_with(cell, '"') AND (length(cell) = 1 OR NOT ends_with(cell, '"') OR ends_with(cell, '\"')), false);

CREATE OR REPLACE MACRO cloud_bare_cells(logged) AS list_transform(logged, lambda cell:
    CASE WHEN NOT starts_with(cell, '"') THEN cell
         WHEN length(cell) > 1 AND ends_with(cell, '"') THEN cell[2:-2]
         ELSE cell[2:] END);

-- quotes inside a quoted cell were not escaped: the cells are not what they seem
CREATE OR REPLACE MACRO cloud_is_misfit(logged) AS
    len(list_filter(logged, lambda cell: contains(cell, '"') AND NOT (starts_with(cell, '"') AND ends_with(cell, '"') AND length(cell) > 1))) > 0;

-- the cells once more, request and user agent found by what stands around them; only those of a cut that fitted
CREATE OR REPLACE MACRO cloud_recut(logged, cut) AS
    CASE WHEN cut.head <> '' THEN list_concat(cloud_logged_cells(rtrim(cut.head)), ['"' || cut.request || '"'],
              CASE WHEN trim(cut.middle) <> '' THEN cloud_logged_cells(trim(cut.middle)) ELSE [] END, ['"' || cut.agent || '"'],
              CASE WHEN trim(cut.tail) <> '' THEN cloud_logged_cells(trim(cut.tail)) ELSE [] END)
         ELSE logged END;

-- what stands behind the columns one knows, as logged; nothing where it is dashes only
CREATE OR REPLACE MACRO cloud_extra(logged, known) AS
    CASE WHEN len(list_filter(logged[known + 1:], lambda cell: cell NOT IN ('', '-', '"-"', '""'))) > 0
         THEN array_to_string(logged[known + 1:], ' ') END;

-- 10.0.0.1:80, 2001:db8::1:80, [2001:db8::1]:80
CREATE OR REPLACE MACRO cloud_endpoint(text) AS regexp_extract(text, '^\[?([0-9A-Za-z._:%-]*?)\]?:(\d{1,5})$', ['address', 'port']);

-- METHOD URL VERSION, any of them possibly -; version is empty where there is none
CREATE OR REPLACE MACRO cloud_request(text) AS regexp_extract(text,
    '(?s)^([A-Za-z_-]{1,20}) (\S.*?)(?: (HTTP/\d[\d.]*|-))? *$', ['method', 'target', 'version']);

CREATE OR REPLACE MACRO cloud_request_is_whole(request, r) AS
    dash_null(request) IS NULL OR (r."version" <> '' AND NOT contains(r.target, ' '));

-- an absolute URL; all empty where it is none. A - directly behind the host stands for a path that is not known
CREATE OR REPLACE MACRO cloud_url(url) AS regexp_extract(url,
    '(?s)^([A-Za-z][A-Za-z0-9+.-]*)://(?:\[([^\]/?]*)\]|([^/?:]*))(?::(\d*))?([^?]*)', ['scheme', 'address', 'host', 'port', 'path']);

CREATE OR REPLACE MACRO cloud_path(url, u) AS dash_null(CASE WHEN u.scheme <> '' THEN u.path ELSE url_path_of(url) END);

CREATE OR REPLACE MACRO cloud_server(u) AS coalesce(nullif(u.host, ''), nullif(u.address, ''));

-- seconds; -1 stands for not known
CREATE OR REPLACE MACRO cloud_seconds(text) AS
    CASE WHEN regexp_full_match(text, '\d{1,7}(\.\d{1,30})?') THEN try_cast(text AS DECIMAL(18, 9)) END;

CREATE OR REPLACE MACRO cloud_ms(seconds) AS round(seconds::DOUBLE * 1000, 6);

CREATE OR REPLACE MACRO cloud_is_number(text, value) AS
    coalesce(value IS NOT NULL OR dash_null(text) IS NULL OR text IN ('-1', '-1.0', '-1.000', '-1.000000'), true);

-- counts and sizes, HTTP status codes: digits only
CREATE OR REPLACE MACRO cloud_count(text) AS CASE WHEN regexp_full_match(text, '\d{1,18}') THEN try_cast(text AS BIGINT) END;

CREATE OR REPLACE MACRO cloud_size(text) AS CASE WHEN regexp_full_match(text, '\d{1,15}') THEN try_cast(text AS BIGINT) END;

CREATE OR REPLACE MACRO cloud_status(text) AS CASE WHEN regexp_full_match(text, '\d{1,4}') THEN try_cast(text AS SMALLINT) END;

-- seconds, milli-, micro- or nanoseconds since 1970; whatever the text, this does not raise
CREATE OR REPLACE MACRO cloud_epoch(text) AS
    CASE WHEN regexp_full_match(text, '\d{9,11}(\.\d{1,30})?') THEN make_timestamp(try_cast(split_part(text, '.', 1) AS BIGINT) * 1000000
              + coalesce(try_cast(rpad(left(split_part(text, '.', 2), 6), 6, '0') AS BIGINT), 0))
         WHEN regexp_full_match(text, '\d{12,14}(\.\d{1,30})?') THEN make_timestamp(try_cast(split_part(text, '.', 1) AS BIGINT) * 1000
              + coalesce(try_cast(rpad(left(split_part(text, '.', 2), 3), 3, '0') AS BIGINT), 0))
         WHEN regexp_full_match(text, '\d{15,17}') THEN make_timestamp(try_cast(text AS BIGINT))
         WHEN regexp_full_match(text, '\d{18,19}') THEN make_timestamp(try_cast(text AS BIGINT) // 1000) END;

-- the cells of a line that ends too early: its last one may be cut, so it is no number, address or time
CREATE OR REPLACE MACRO cloud_sure(cells, least) AS CASE WHEN len(cells) < least THEN cells[:-2] ELSE cells END;

-- {key, value} of a value that is not what its column holds
CREATE OR REPLACE MACRO cloud_odd(name, text, value) AS
    {'key': CASE WHEN NOT cloud_is_number(text, value) THEN name END, 'value': text};

-- keys are unique: no search for doubles
CREATE OR REPLACE MACRO cloud_attributes(entries) AS
    map_from_entries(list_filter(entries, lambda entry: entry.key IS NOT NULL AND entry.value IS NOT NULL))::MAP(VARCHAR, VARCHAR);

-- of equal keys the first stays
CREATE OR REPLACE MACRO cloud_map(entries) AS
    CASE WHEN len(list_distinct(list_transform(entries, lambda entry: entry.key))) = len(entries)
         THEN map_from_entries(entries)::MAP(VARCHAR, VARCHAR) ELSE attributes_of(entries) END;

CREATE OR REPLACE MACRO cloud_tls(protocol) AS
    CASE WHEN lower(dash_null(protocol)) IN ('none', 'unknown', 'null') THEN NULL
         WHEN regexp_full_match(protocol, '(?i)tlsv?1\.?[0-3]?') THEN
              CASE WHEN regexp_full_match(protocol, '(?i)tlsv?1') THEN '1.0'
                   ELSE regexp_replace(regexp_replace(protocol, '(?i)^tlsv?', ''), '^1(\d)$', '1.\1') END
         ELSE dash_null(protocol) END;

-- protocol numbers of IANA, by their names in lower case
CREATE OR REPLACE MACRO cloud_transport(number) AS coalesce(map_extract_value(MAP {
    '0': 'hopopt', '1': 'icmp', '2': 'igmp', '4': 'ipv4', '6': 'tcp', '8': 'egp', '17': 'udp', '27': 'rdp', '33': 'dccp', '41': 'ipv6',
    '43': 'ipv6-route', '44': 'ipv6-frag', '46': 'rsvp', '47': 'gre', '50': 'esp', '51': 'ah', '58': 'ipv6-icmp', '59': 'ipv6-nonxt',
    '60': 'ipv6-opts', '88': 'eigrp', '89': 'ospf', '94': 'ipip', '97': 'etherip', '103': 'pim', '108': 'ipcomp', '112': 'vrrp',
    '115': 'l2tp', '132': 'sctp', '133': 'fc', '136': 'udplite', '137': 'mpls-in-ip'}, number), number);

-- ClientRequestURI → client_request_uri, EdgeResponseHTTPStatus2 → edge_response_http_status2, detail-type → detail_type, RuleIDs → rule_ids
CREATE OR REPLACE MACRO cloud_snake(key) AS lower(
    regexp_replace(regexp_replace(
        CASE WHEN regexp_matches(key, '[^A-Za-z0-9]') THEN trim(regexp_replace(key, '[^A-Za-z0-9]+', '_', 'g'), '_') ELSE key END,
        '([a-z0-9])([A-Z])', '\1_\2', 'g'), '([A-Z]+)([A-Z](?:[a-rt-z]|s[a-z]))', '\1_\2', 'g'));

-- the fields of an object as {key, value}; of a name that is there twice the first value; none where it is no object
CREATE OR REPLACE MACRO cloud_entries(object) AS
    CASE WHEN NOT coalesce(json_valid(object), false) OR json_type(object) <> 'OBJECT' THEN []
         WHEN len(list_distinct(json_keys(object))) = len(json_keys(object)) THEN TRY(json_entries(object))
         ELSE list_transform(list_distinct(json_keys(object)), lambda name: {'key': name, 'value': TRY(object ->> ('$."' || name || '"'))}) END;

-- with keys in snake case, without empty values and the fields named
CREATE OR REPLACE MACRO cloud_entries_but(object, names) AS
    list_transform(
        list_filter(cloud_entries(object), lambda entry: entry.value IS NOT NULL AND entry.value <> '' AND NOT list_contains(names, entry.key)),
        lambda entry: {'key': cloud_snake(entry.key), 'value': entry.value});
