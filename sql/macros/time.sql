-- title: timestamps to naive UTC, and on what basis
-- A local time that exists twice (clocks set back) is its first occurrence; one that does not exist (clocks set
-- forward) is read with the offset before the change: both as PEP 495 with fold = 0.
CREATE OR REPLACE MACRO last_occurrence(local, zone) AS timezone(zone, local)::TIMESTAMP;

CREATE OR REPLACE MACRO local_of(moment, zone) AS timezone(zone, moment::TIMESTAMPTZ);

CREATE OR REPLACE MACRO first_occurrence(last, local, zone) AS coalesce(
    CASE WHEN local_of(last - INTERVAL 1 HOUR, zone) = local THEN last - INTERVAL 1 HOUR END,
    CASE WHEN local_of(last - INTERVAL 30 MINUTE, zone) = local THEN last - INTERVAL 30 MINUTE END,
    CASE WHEN local_of(last - INTERVAL 2 HOUR, zone) = local THEN last - INTERVAL 2 HOUR END);

CREATE OR REPLACE MACRO local_to_utc(local, zone) AS
    CASE WHEN zone IN ('UTC', 'Etc/UTC') THEN local
         ELSE coalesce(first_occurrence(last_occurrence(local, zone), local, zone), last_occurrence(local, zone)) END;

CREATE OR REPLACE MACRO local_basis(local, zone) AS
    CASE WHEN zone IN ('UTC', 'Etc/UTC') OR local IS NULL THEN 'zone'
         WHEN first_occurrence(last_occurrence(local, zone), local, zone) IS NOT NULL THEN 'zone_ambiguous'
         WHEN local_of(last_occurrence(local, zone), zone) <> local THEN 'zone_gap'
         ELSE 'zone' END;

-- '+09:00', '+0900', '+09', 'Z' → minutes east of UTC
CREATE OR REPLACE MACRO offset_minutes(text) AS
    CASE WHEN text IN ('Z', 'z', 'UTC', 'GMT') THEN 0
         ELSE (CASE WHEN text[1] = '-' THEN -1 ELSE 1 END)
              * (text[2:3]::INTEGER * 60 + coalesce(nullif(right(replace(text[4:], ':', ''), 2), '')::INTEGER, 0)) END;

CREATE OR REPLACE MACRO iso_parts(text) AS regexp_extract(trim(text),
    '^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,12}))?\s?(Z|z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?$',
    ['date', 'time', 'fraction', 'offset']);

-- digits of any length after the point are a decimal fraction: .138633 is 138,633 microseconds
CREATE OR REPLACE MACRO iso_wall(parts) AS
    try_cast(parts.date || ' ' || parts.time AS TIMESTAMP)
    + to_microseconds(coalesce(nullif(rpad(left(parts.fraction, 6), 6, '0'), '000000')::BIGINT, 0));

CREATE OR REPLACE MACRO iso_time(parts, zone) AS
    CASE WHEN parts.date IS NULL OR parts.date = '' THEN NULL
         WHEN parts."offset" <> '' THEN iso_wall(parts) - to_minutes(offset_minutes(parts."offset"))
         ELSE local_to_utc(iso_wall(parts), zone) END;

CREATE OR REPLACE MACRO iso_basis(parts, zone) AS
    CASE WHEN parts."offset" <> '' THEN 'offset' ELSE local_basis(iso_wall(parts), zone) END;

-- seconds, milli-, micro- or nanoseconds since 1970, told apart by size (years 1973 to 5138)
CREATE OR REPLACE MACRO epoch_time(text) AS
    CASE WHEN NOT regexp_matches(text, '^\d{9,19}(\.\d{1,30})?$') THEN NULL
         WHEN length(split_part(text, '.', 1)) <= 11 THEN make_timestamp(trunc(text::DECIMAL(38, 12) * 1000000)::BIGINT)
         WHEN length(split_part(text, '.', 1)) <= 14 THEN make_timestamp(trunc(text::DECIMAL(38, 9) * 1000)::BIGINT)
         WHEN length(split_part(text, '.', 1)) <= 17 THEN make_timestamp(split_part(text, '.', 1)::BIGINT)
         ELSE make_timestamp(try_cast(split_part(text, '.', 1) AS BIGINT) // 1000) END;

-- [10/Oct/2000:13:55:36 -0700], the time of the common log format
CREATE OR REPLACE MACRO clf_time(text) AS try_strptime(text, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP;
