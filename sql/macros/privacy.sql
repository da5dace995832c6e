-- title: what concerns a person: keyed digests, addresses, query strings, e-mail, tokens, cards
-- HMAC-SHA256 (RFC 2104) in hex of a text, by a key that is given as its two pads
CREATE OR REPLACE MACRO hmac_sha256(inner_pad, outer_pad, content) AS sha256(outer_pad || unhex(sha256(inner_pad || encode(content))));

-- A visitor is a day, an address and an agent; visitor_pads has the two pads of the key of each of visitor_days.
-- A list's lambda is evaluated once for each distinct value where the column is a dictionary, as most are in Parquet; a bare
-- CASE or a function that may fail is not.
CREATE OR REPLACE MACRO visitor_pads_of(day) AS getvariable('visitor_pads')[list_position(getvariable('visitor_days'), day)];

CREATE OR REPLACE MACRO keyed_visitor(visitor) AS list_transform([visitor],
    lambda given: left(hmac_sha256(visitor_pads_of(left(given, 10))[1], visitor_pads_of(left(given, 10))[2], given[12:]), 32))[1];

-- Letters of any script, for a class of characters. These ranges stand for \pL, which has hundreds: a list's lambda compiles its
-- patterns for each block of rows.
CREATE OR REPLACE MACRO letters() AS 'A-Za-z\x{C0}-\x{1FFF}\x{2C00}-\x{2DFF}\x{3040}-\x{D7FF}\x{F900}-\x{FDFF}\x{FE70}-\x{FEFC}'
    || '\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{FF66}-\x{FFDC}\x{10000}-\x{1EFFF}\x{20000}-\x{3FFFF}';

-- the end of a name: a number is none, and what else stands beside a name (an e-mail address, for=203.0.113.9) is no name
CREATE OR REPLACE MACRO top_label() AS '[' || letters() || '\d_-]*[' || letters() || '][' || letters() || '\d_-]*\.?(:\d+)?';

-- 203.0.113.9 → 203.0.113.0, 2001:db8:1:2::3 → 2001:db8:1::, of a name its last two labels, anything else is *
CREATE OR REPLACE MACRO truncated_one(address) AS coalesce(
    split_part(network_of(address), '/', 1),
    CASE WHEN address IN ('localhost', '[local]', 'local', 'unknown', '-', '') OR starts_with(address, 'unix:') OR starts_with(address, '/') THEN address END,
    CASE WHEN regexp_matches(address, '^\[?[0-9a-fA-F:.]+\]?:\d+$')
         THEN split_part(network_of(regexp_extract(address, '^\[?(.*?)\]?:\d+$', 1)), '/', 1) END,
    CASE WHEN regexp_full_match(address, '(\*\.)?[' || letters() || '\d_-]+\.' || top_label()) THEN address
         WHEN regexp_full_match(address, '[' || letters() || '\d_.-]+\.' || top_label()) THEN '*.' || regexp_extract(address, '([^.]+\.[^.]+)\.?$', 1)
         WHEN address IS NOT NULL THEN '*' END);

CREATE OR REPLACE MACRO truncated_address(address) AS list_transform([address], lambda given:
    CASE WHEN contains(given, ',')
         THEN array_to_string(list_transform(string_split(given, ','), lambda part: truncated_one(trim(part))), ', ')
         ELSE truncated_one(given) END)[1];

-- an address of the internet: not 10/8, 127/8, 169.254/16, 172.16/12, 192.168/16, which name machines of one's own network
CREATE OR REPLACE MACRO public_ipv4_pattern() AS
    '\b((?:(?:[1-9]|1[1-9]|[2-9]\d|1[01]\d|12[0-68-9]|1[345]\d|16[0-8]|17[013-9]|18\d|19[013-9]|2[0-4]\d|25[0-5])\.(?:25[0-5]|2[0-4]\d|1?\d?\d)'
    || '|169\.(?:\d?\d|1\d\d|2[0-4]\d|25[0-35])|172\.(?:\d|1[0-5]|3[2-9]|[4-9]\d|1\d\d|2\d\d)|192\.(?:\d?\d|1[0-57-9]\d|16[0-79]|2\d\d))'
    || '\.(?:25[0-5]|2[0-4]\d|1?\d?\d))\.(?:25[0-5]|2[0-4]\d|1?\d?\d)\b';

-- addresses inside a text, those of the internet; 2000::/3 is all of IPv6 that is
CREATE OR REPLACE MACRO truncated_in(content) AS
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(content, public_ipv4_pattern(), '\1.0', 'g'),
        '(?i)\b([23][0-9a-f]{3}:[0-9a-f]{1,4}:[0-9a-f]{1,4})(?::[0-9a-f]{1,4}){5}\b', '\1::', 'g'),
        '(?i)\b([23][0-9a-f]{3}:[0-9a-f]{1,4}:[0-9a-f]{1,4})(?::[0-9a-f]{1,4}){0,4}::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?', '\1::', 'g'),
        '(?i)\b([23][0-9a-f]{3}(?::[0-9a-f]{1,4})?)::[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*', '\1::', 'g');

CREATE OR REPLACE MACRO may_have_address(content) AS regexp_matches(content, '\d\.\d{1,3}\.\d{1,3}\.\d|\b[23][0-9a-fA-F]{3}:');

CREATE OR REPLACE MACRO truncated_in_text(content) AS CASE WHEN may_have_address(content) THEN truncated_in(content) ELSE content END;

-- a record's own client in its other columns, whatever network it is of
CREATE OR REPLACE MACRO without_address(content, address) AS CASE
    WHEN contains(content, address) AND regexp_matches(address, '[.:]') THEN replace(content, address, truncated_address(address)) ELSE content END;

-- whether a string of 13 to 19 digits, spaces and dashes has the check digit of ISO/IEC 7812 (Luhn)
CREATE OR REPLACE MACRO passes_luhn(number) AS
    list_sum(list_transform(string_split(reverse(regexp_replace(number, '[ -]', '', 'g')), ''), lambda digit, place:
        CASE WHEN place % 2 = 1 THEN digit::INTEGER ELSE (digit::INTEGER * 2) // 10 + (digit::INTEGER * 2) % 10 END)) % 10 = 0;

CREATE OR REPLACE MACRO card_pattern() AS
    '\b(?:[2-6]\d{12,18}|[2-6]\d{3}[ -]\d{4}[ -]\d{4}[ -]\d{4}|3[47]\d{2}[ -]\d{6}[ -]\d{5}|3[0689]\d{2}[ -]\d{6}[ -]\d{4})\b';

CREATE OR REPLACE MACRO scrub_cards(content) AS list_reduce(
    list_filter(regexp_extract_all(content, card_pattern()), lambda number: passes_luhn(number)),
    lambda text, number: replace(text, number, '<card>'), content);

CREATE OR REPLACE MACRO secret_words() AS
    'password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|access[_-]?token|auth[_-]?token|refresh[_-]?token|id[_-]?token|session[_-]?token|csrf[_-]?token|jsessionid|phpsessid';

CREATE OR REPLACE MACRO email_pattern() AS '[' || letters() || '\d._%+-]+(?:@|%(?:25)?40)[' || letters() || '\d](?:[' || letters() || '\d-]*[' || letters() || '\d])?'
    || '(?:\.[' || letters() || '\d-]+)*\.[' || letters() || '][' || letters() || '\d-]*[' || letters() || ']';

-- the order matters: a URL's user before e-mail addresses, keys that name a secret before what a secret looks like
CREATE OR REPLACE MACRO scrub_all(content) AS scrub_cards(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(content,
        '(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)', '<key>', 'g'),
        '(?i)(\b[a-z][a-z0-9+.-]*://)[^/\s:@"'']+:[^/\s@"'']+@', '\1<secret>@', 'g'),
        '(?i)(\bcookie["'']?\s*[:=]\s*["'']?)[^\s=:;,"''<]+=[^\s;"'']*(?:;\s*[^\s=:;,"'']+=[^\s;"'']*)*', '\1<secret>', 'g'),
        '(?i)(\bauthorization["'']?\s*[:=]\s*["'']?)(?:((?:basic|bearer|token|digest|negotiate)\s+)[^\s"'',;<]{4,}|[^\s"'',;<]{10,})', '\1\2<token>', 'g'),
        '(?i)((?:' || secret_words() || ')\\*["'']?\s*[:=]>?\s*)(?:\\+"[^"\\]*\\*"|"(?:[^"\\]|\\.)*"|"[^"]*"|''[^'']*''|[^\s"''&,;)}\]<>*\\][^\s"''&,;)}\]<]*)', '\1<secret>', 'g'),
        '(?i)(\btoken=|"token\\*"\s*:\s*)(?:\\+"[^"\\]*\\*"|"[^"]*"|[^\s"''&,;)}\]<*\\][^\s"''&,;)}\]<]*)', '\1<secret>', 'g'),
        '(?i)(\b(?:password|identified\s+(?:with\s+\S+\s+)?(?:by|as))\s+)(?:''[^'']+''|"[^"]+")', '\1<secret>', 'g'),
        '(?i)(\bbearer\s+)(?:[a-z._~+/=-]*\d[\w.~+/=-]{6,}|[\w.~+/-]{20,}=*)', '\1<token>', 'g'),
        '\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{30,}|\bxox[abprs]-[\w-]{10,}'
        || '|\bsk_(?:live|test)_\w{16,}|\bglpat-[\w-]{16,}|\bAIza[\w-]{35}', '<token>', 'g'),
        email_pattern(), '<email>', 'g'));

-- the cheap test before it: what a text must have for anything to be masked
CREATE OR REPLACE MACRO may_be_scrubbed(content) AS contains(content, '@')
    OR regexp_matches(content, '(?i)%(?:25)?40|passw|passphrase|pwd|secret|[_-]?key|token|authorization|cookie|identified|bearer|sessid|jsessionid|eyJ|AKIA|ASIA|AGPA|AIDA|AROA|\bgh[pousr]_|xox[abprs]-|sk_live|sk_test|glpat-|AIza|[2-6]\d{12}|[2-6]\d{3}[ -]\d');

CREATE OR REPLACE MACRO scrub(content) AS CASE WHEN may_be_scrubbed(content) THEN scrub_all(content) ELSE content END;

CREATE OR REPLACE MACRO email_start() AS '[' || letters() || '\d._%+-]+(?:@|%(?:25)?40)[' || letters() || '\d.-]*';

-- an e-mail address of which only the beginning is there: at the end of a long line that was cut, or in what a reject reason quotes
CREATE OR REPLACE MACRO scrub_end(content) AS regexp_replace(content, email_start() || '$', '<email>');

CREATE OR REPLACE MACRO scrub_quoted(content) AS regexp_replace(content, email_start(), '<email>', 'g');

-- page=2&token=abc → page=2&token=*; what is no key and value is * altogether. allowed: a pattern of keys. A ; or a second ?
-- may begin another pair: some servers take it for &
CREATE OR REPLACE MACRO masked_pair(pair, allowed) AS CASE
    WHEN regexp_full_match(pair, '(?:' || allowed || ')(?:=[^;?\n]*)?') OR pair = '' THEN pair
    WHEN regexp_matches(pair, '^[\w.\[\]%-]{1,64}=') AND NOT regexp_matches(pair, '^[^=]*(?:%40|\d{5})') THEN split_part(pair, '=', 1) || '=*'
    ELSE '*' END;

CREATE OR REPLACE MACRO masked_query(query, allowed) AS list_transform([query], lambda given:
    array_to_string(list_transform(string_split(given, '&'), lambda pair: masked_pair(pair, allowed)), '&'))[1];

-- the query of a URL, and that of each URL or request line in a text: one that begins with another one before that
CREATE OR REPLACE MACRO masked_url(url, allowed) AS CASE WHEN contains(url, '?')
    THEN left(url, instr(url, '?')) || masked_query(regexp_extract(url[instr(url, '?') + 1:], '^[^#]*'), allowed) ELSE url END;

CREATE OR REPLACE MACRO masked_in(content, allowed) AS list_reduce(
    list_reverse_sort(list_distinct(regexp_extract_all(content, '\?([\w.\[\]%-]+=[^\s"''<>#)]*)', 1))),
    lambda text, query: replace(text, '?' || query, '?' || masked_query(query, allowed)), content);

CREATE OR REPLACE MACRO masked_in_text(content, allowed) AS CASE WHEN contains(content, '?') THEN masked_in(content, allowed) ELSE content END;

-- names of fields that hold addresses of clients, in any spelling
CREATE OR REPLACE MACRO address_keys() AS ['xforwardedfor', 'forwarded', 'forwardedfor', 'xrealip', 'realip',
    'trueclientip', 'cfconnectingip', 'fastlyclientip', 'xclientip', 'clientip', 'clientipaddress', 'clientaddr', 'clientaddress', 'cip', 'remoteaddr',
    'remoteip', 'remoteaddress', 'remotehost', 'rhost', 'addr', 'sourceip', 'sourceipaddress', 'srcip', 'srcaddr', 'sourceaddress', 'peer',
    'peerip', 'peeraddress', 'ip', 'ipaddress', 'userip', 'httpclientip', 'httpxforwardedfor'];

CREATE OR REPLACE MACRO plain_key(key) AS regexp_replace(lower(key), '[^a-z0-9\n]', '', 'g');

CREATE OR REPLACE MACRO is_address_key(key) AS list_contains(address_keys(), plain_key(key));

-- names of fields whose whole value opens a door: of password, db_password or X-Api-Key, not of token_count
CREATE OR REPLACE MACRO is_secret_key(key) AS regexp_matches(plain_key(key),
    '(?m)(?:password|passwd|passphrase|pwd|secret|apikey|accesskey|secretkey|privatekey|token|authorization|cookies?|csrf|jsessionid|phpsessid)$');

-- a field that is named by what concerns a person, also a bare address in a line of key=value, has its place in its name, so that no
-- two become one
CREATE OR REPLACE MACRO scrubbed_key(key, place) AS
    list_transform([scrub(key)], lambda scrubbed: CASE WHEN scrubbed <> key THEN scrubbed || ' ' || place ELSE key END)[1];

-- The fields of a record: what each of their names and values needs, only where a test of all together tells that one may need it.
CREATE OR REPLACE MACRO keys_of(fields) AS array_to_string(map_keys(fields), chr(10));

CREATE OR REPLACE MACRO text_of(fields) AS array_to_string(list_concat(map_keys(fields), map_values(fields)), chr(10));

CREATE OR REPLACE MACRO secret_fields(fields) AS CASE WHEN is_secret_key(keys_of(fields))
    THEN map_from_entries(list_transform(map_entries(fields), lambda entry:
        {'key': entry.key, 'value': CASE WHEN is_secret_key(entry.key) AND entry.value <> '' THEN '<secret>' ELSE entry.value END}))
    ELSE fields END;

CREATE OR REPLACE MACRO truncated_fields(fields) AS CASE WHEN list_has_any(string_split(plain_key(keys_of(fields)), chr(10)), address_keys())
    THEN map_from_entries(list_transform(map_entries(fields), lambda entry:
        {'key': entry.key, 'value': CASE WHEN is_address_key(entry.key) THEN truncated_address(entry.value) ELSE entry.value END}))
    ELSE fields END;

CREATE OR REPLACE MACRO masked_in_fields(fields, allowed) AS CASE WHEN contains(text_of(fields), '?')
    THEN map_from_entries(list_transform(map_entries(fields), lambda entry: {'key': entry.key, 'value': masked_in_text(entry.value, allowed)}))
    ELSE fields END;

CREATE OR REPLACE MACRO scrubbed_fields(fields) AS CASE WHEN may_be_scrubbed(text_of(fields))
    THEN map_from_entries(list_transform(map_entries(fields), lambda entry, place: {'key': scrubbed_key(entry.key, place), 'value': scrub(entry.value)}))
    ELSE fields END;

CREATE OR REPLACE MACRO truncated_key(key, place) AS CASE WHEN truncated_in_text(key) <> key THEN truncated_in_text(key) || ' ' || place ELSE key END;

CREATE OR REPLACE MACRO truncated_in_fields(fields) AS CASE WHEN may_have_address(text_of(fields))
    THEN map_from_entries(list_transform(map_entries(fields), lambda entry, place: {'key': truncated_key(entry.key, place), 'value': truncated_in_text(entry.value)}))
    ELSE fields END;
