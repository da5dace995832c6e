-- title: rows of erased subjects, known by the keyed digests of what identified them
-- erased_pads has the two pads of the key, erased_digests and erased_lengths what is looked for
-- an address in one form for all its spellings: IPv4 within IPv6 as IPv4, of IPv6 all groups without leading zeros
CREATE OR REPLACE MACRO plain_address(given) AS CASE
    WHEN NOT contains(given, ':') THEN given
    WHEN starts_with(given, '::ffff:') AND contains(given, '.') THEN given[8:]
    WHEN network_of(given) IS NOT NULL THEN regexp_replace(ipv6_full(
        CASE WHEN starts_with(given, '::') THEN '0' ELSE '' END || given || CASE WHEN ends_with(given, '::') THEN '0' ELSE '' END),
        '(^|:)0+([0-9a-f])', '\1\2', 'g')
    ELSE given END;

CREATE OR REPLACE MACRO subject_text(value) AS replace(replace(lower(value), '%2540', '@'), '%40', '@');

-- the length first: digests are dear
CREATE OR REPLACE MACRO is_subject(text) AS CASE WHEN list_contains(getvariable('erased_lengths'), length(text))
    THEN list_contains(getvariable('erased_digests'), left(hmac_sha256(getvariable('erased_pads')[1], getvariable('erased_pads')[2], text), 32))
    ELSE false END;

CREATE OR REPLACE MACRO is_erased(value) AS CASE WHEN contains(value, ':') THEN is_subject(plain_address(subject_text(value)))
    ELSE is_subject(subject_text(value)) END;

-- what in a text may identify somebody: addresses of mail and of clients, what is named a user, and long words. A short number is
-- one only where it is named so: 123 may be anything.
CREATE OR REPLACE MACRO identifying(content) AS list_distinct(list_concat(
    regexp_extract_all(content, '[\pL\pN._%+-]+(?:@|%(?:25)?40)[\pL\pN.-]*[\pL\pN]'),
    regexp_extract_all(content, '\b\d{1,3}(?:\.\d{1,3}){3}\b|(?i:(?:\b|::)(?:[0-9a-f]{1,4}:{1,2}){2,7}[0-9a-f]{0,4}|\b[0-9a-f]{1,4}::[0-9a-f]{1,4}\b)'),
    regexp_extract_all(content, '(?i)(?:user|usr|uid|login|account|customer|member|player|owner|for)\w*\\*["'']?\s*[=:/# ]\s*\\*["'']?([^\s"''&,;:/)\]}<>?]*[^\s"''&,;:/)\]}<>?.\\])', 1),
    regexp_extract_all(content, '[\pL\pN_.-]{5,}[\pL\pN_-]')));

CREATE OR REPLACE MACRO erased_in(content) AS list_filter(identifying(content), lambda word: is_erased(word));

-- whole words only; twice, since two words may share what is between them
CREATE OR REPLACE MACRO without_word(content, word) AS regexp_replace(regexp_replace(content,
    '(^|[^\pL\pN_])' || regexp_escape(word) || '($|[^\pL\pN_])', '\1<erased>\2', 'g'),
    '(^|[^\pL\pN_])' || regexp_escape(word) || '($|[^\pL\pN_])', '\1<erased>\2', 'g');

CREATE OR REPLACE MACRO without_words(content, words) AS list_reduce(words, lambda text, word: without_word(text, word), content);

CREATE OR REPLACE MACRO erased_text(content) AS without_words(content, erased_in(content));

CREATE OR REPLACE MACRO erased_of(value) AS list_transform([value], lambda given: CASE WHEN is_erased(given) THEN [given] ELSE [] END)[1];

-- another name each hour: counts of an hour stay, and hours cannot be put together
CREATE OR REPLACE MACRO erased_name(value, moment) AS 'erased-' || left(hmac_sha256(getvariable('erased_pads')[1], getvariable('erased_pads')[2],
    strftime(moment, '%Y-%m-%dT%H') || '|' || value), 16);

CREATE OR REPLACE MACRO is_identity_key(key) AS regexp_matches(key, '(?i)user|usr|uid|login|account|customer|member|player|owner|mail|session|visitor')
    OR is_address_key(key);

CREATE OR REPLACE MACRO erased_fields(fields) AS list_concat(
    list_filter(map_values(fields), lambda value, place: is_identity_key(map_keys(fields)[place]) AND is_erased(value)),
    flatten(list_transform(list_concat(map_keys(fields), map_values(fields)), lambda value: erased_in(value))));

-- a field whose name changes has its place in its name, so that no two become one
CREATE OR REPLACE MACRO fields_without(fields, words) AS map_from_entries(list_transform(map_entries(fields), lambda entry, place: {
    'key': CASE WHEN without_words(entry.key, words) <> entry.key THEN without_words(entry.key, words) || ' ' || place ELSE entry.key END,
    'value': CASE WHEN is_identity_key(entry.key) THEN '<erased>' ELSE without_words(entry.value, words) END}));
