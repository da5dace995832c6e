-- title: timestamps to naive UTC, and on what basis
-- A local time that exists twice (clocks set back) is its first occurrence; one that does not exist (clocks set
-- forward) is read with the offset before the change: both as PEP 495 with fold = 0.
-- A list of one gives a name to what is mentioned often: a macro's argument is bound again for each mention.
CREATE OR REPLACE MACRO occurrences(local, zone) AS [{'local': local, 'last': timezone(zone, local)::TIMESTAMP}];

CREATE OR REPLACE MACRO local_of(moment, zone) AS timezone(zone, moment::TIMESTAMPTZ);

CREATE OR REPLACE MACRO first_occurrence(last, local, zone) AS coalesce(
    CASE WHEN local_of(last - INTERVAL 1 HOUR, zone) = local THEN last - INTERVAL 1 HOUR END,
    CASE WHEN local_of(last - INTERVAL 30 MINUTE, zone) = local THEN last - INTERVAL 30 MINUTE END,
    CASE WHEN local_of(last - INTERVAL 2 HOUR, zone) = local THEN last - INTERVAL 2 HOUR END);

CREATE OR REPLACE MACRO local_to_utc(local, zone) AS
    CASE WHEN zone IN ('UTC', 'Etc/UTC') THEN local
         ELSE list_transform(occurrences(local, zone), lambda given: coalesce(first_occurrence(given.last, given.local, zone), given.last))[1] END;

CREATE OR REPLACE MACRO local_basis(local, zone) AS
    CASE WHEN zone IN ('UTC', 'Etc/UTC') OR local IS NULL THEN 'zone'
         ELSE list_transform(occurrences(local, zone), lambda given:
             CASE WHEN first_occurrence(given.last, given.local, zone) IS NOT NULL THEN 'zone_ambiguous'
                  WHEN local_of(given.last, zone) <> given.local THEN 'zone_gap'
                  ELSE 'zone' END)[1] END;

-- '+09:00', '+0900', '+09', '-9', 'Z' → minutes east of UTC
CREATE OR REPLACE MACRO offset_minutes(text) AS
    CASE WHEN text IN ('Z', 'z', 'UTC', 'GMT') THEN 0
         ELSE (CASE WHEN text[1] = '-' THEN -1 ELSE 1 END)
              * (try_cast(text[2:3] AS INTEGER) * 60 + coalesce(try_cast(right(replace(text[4:], ':', ''), 2) AS INTEGER), 0)) END;

CREATE OR REPLACE MACRO iso_parts(text) AS regexp_extract(trim(text),
    '^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,12}))?\s?(Z|z|UTC|GMT|[+-](?:0\d|1[0-5]):?(?:[0-5]\d)?)?$',
    ['date', 'time', 'fraction', 'offset']);

-- digits of any length after the point are a decimal fraction: .138633 is 138,633 microseconds
CREATE OR REPLACE MACRO fraction_micros(digits) AS
    to_microseconds(coalesce(try_cast(rpad(left(digits, 6), 6, '0') AS BIGINT), 0));

CREATE OR REPLACE MACRO iso_wall(parts) AS
    try_cast(parts.date || ' ' || parts.time AS TIMESTAMP) + fraction_micros(parts.fraction);

CREATE OR REPLACE MACRO iso_time(parts, zone) AS
    CASE WHEN parts.date IS NULL OR parts.date = '' THEN NULL
         WHEN parts."offset" <> '' THEN iso_wall(parts) - to_minutes(offset_minutes(parts."offset"))
         ELSE local_to_utc(iso_wall(parts), zone) END;

CREATE OR REPLACE MACRO iso_basis(parts, zone) AS
    CASE WHEN parts."offset" <> '' THEN 'offset' ELSE local_basis(iso_wall(parts), zone) END;

-- seconds, milli-, micro- or nanoseconds since 1970, told apart by size (years 1973 to 5138)
CREATE OR REPLACE MACRO epoch_micros(whole, fraction) AS CASE
    WHEN length(whole) <= 11 THEN try_cast(whole AS BIGINT) * 1000000 + coalesce(try_cast(rpad(left(fraction, 6), 6, '0') AS BIGINT), 0)
    WHEN length(whole) <= 14 THEN try_cast(whole AS BIGINT) * 1000 + coalesce(try_cast(rpad(left(fraction, 3), 3, '0') AS BIGINT), 0)
    WHEN length(whole) <= 17 THEN try_cast(whole AS BIGINT)
    ELSE try_cast(whole AS BIGINT) // 1000 END;

CREATE OR REPLACE MACRO epoch_time(text) AS
    CASE WHEN regexp_full_match(text, '\d{9,19}(\.\d{1,30})?') THEN make_timestamp(epoch_micros(split_part(text, '.', 1), split_part(text, '.', 2))) END;

-- [10/Oct/2000:13:55:36 -0700], the time of the common log format
CREATE OR REPLACE MACRO clf_time(text) AS try_strptime(text, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP;

-- Times as people write them: ISO 8601 and its relatives (2026-11-22 13:04:05,123, 2026/11/22T13:04:05.5Z, 20261122T130405Z,
-- 261122 13:04:05), 22/Nov/2026:13:04:05 +0900, Sun, 22 Nov 2026 13:04:05 GMT, Sun Nov 22 13:04:05.123 2026,
-- Nov 22, 2026 1:04:05 PM, 2026 Nov 22 13:04:05, 11/22/2026 13:04:05 (month first, unless it is no month), Nov 22 13:04:05
-- (no year), and epoch numbers.
-- All patterns give the same groups; a group that a pattern does not have is ().
CREATE OR REPLACE MACRO time_groups(text) AS
    CASE WHEN regexp_matches(text, '^\s*\d{4}[-/. ][A-Za-z]') THEN regexp_extract(text,
             '^()\s*(\d{4})[-/. ]([A-Za-z]{3})[a-z]*[-/. ](\d\d?)[T :]+(\d\d?:\d\d(?::\d\d)?)()(?:[.,](\d{1,18}))?\s*([zZ]|[+-]\d\d?:?(?:\d\d)?|[A-Za-z]{1,5})?()\s*$',
             ['weekday', 'year', 'month', 'day', 'time', 'half', 'fraction', 'zone', 'last_year'])
         WHEN regexp_matches(text, '^\s*\d{4}[-/.]\d') THEN regexp_extract(text,
             '^()\s*(\d{4})[-/.](\d\d?)[-/.](\d\d?)(?:(?:[T _-]|: ?|\s+)(\d\d?:\d\d(?::\d\d)?)()(?:[.,:](\d{1,18}))?)?\s*([zZ]|[+-]\d\d?:?(?:\d\d)?|[A-Za-z]{1,5}(?:[+-]\d{1,2}(?::?\d\d)?)?)?()\s*$',
             ['weekday', 'year', 'month', 'day', 'time', 'half', 'fraction', 'zone', 'last_year'])
         WHEN regexp_matches(text, '^\s*\d{8}[T ]?\d{6}') THEN regexp_extract(regexp_replace(text, '^(\s*\d{8}[T ]?\d\d)(\d\d)(\d\d)', '\1:\2:\3'),
             '^()\s*(\d{4})(\d\d)(\d\d)[T ]?(\d\d:\d\d:\d\d)()(?:[.,](\d{1,18}))?\s*([zZ]|[+-]\d\d:?(?:\d\d)?|[A-Za-z]{1,5})?()\s*$',
             ['weekday', 'year', 'month', 'day', 'time', 'half', 'fraction', 'zone', 'last_year'])
         WHEN regexp_matches(text, '^\s*(\d{6}|\d{8})[T ]+\d\d?:') THEN regexp_extract(text,
             '^()\s*(\d{2}|\d{4})(\d\d)(\d\d)[T ]+(\d\d?:\d\d:\d\d)()(?:[.,](\d{1,18}))?\s*([zZ]|[+-]\d\d:?(?:\d\d)?|[A-Za-z]{1,5})?()\s*$',
             ['weekday', 'year', 'month', 'day', 'time', 'half', 'fraction', 'zone', 'last_year'])
         WHEN regexp_matches(text, '^\s*(1[3-9]|2\d|3[01])/\d{1,2}/\d{2,4}') THEN regexp_extract(text,
             '^()\s*(\d\d?)/(\d\d?)/(\d{4}|\d{2}),?[ T:]+(\d\d?:\d\d(?::\d\d)?)(?:[.,:](\d{1,18}))?(?:\s*([AaPp])\.?[Mm]\.?)?\s*([zZ]|[+-]\d\d:?(?:\d\d)?|[A-Za-z]{1,5})?()\s*$',
             ['weekday', 'day', 'month', 'year', 'time', 'fraction', 'half', 'zone', 'last_year'])::STRUCT(
             weekday VARCHAR, "year" VARCHAR, "month" VARCHAR, "day" VARCHAR, "time" VARCHAR, half VARCHAR, fraction VARCHAR, "zone" VARCHAR, last_year VARCHAR)
         WHEN regexp_matches(text, '^\s*\d{1,2}/\d{1,2}/\d{2,4}') THEN regexp_extract(text,
             '^()\s*(\d\d?)/(\d\d?)/(\d{4}|\d{2}),?[ T:]+(\d\d?:\d\d(?::\d\d)?)(?:[.,:](\d{1,18}))?(?:\s*([AaPp])\.?[Mm]\.?)?\s*([zZ]|[+-]\d\d:?(?:\d\d)?|[A-Za-z]{1,5})?()\s*$',
             ['weekday', 'month', 'day', 'year', 'time', 'fraction', 'half', 'zone', 'last_year'])::STRUCT(
             weekday VARCHAR, "year" VARCHAR, "month" VARCHAR, "day" VARCHAR, "time" VARCHAR, half VARCHAR, fraction VARCHAR, "zone" VARCHAR, last_year VARCHAR)
         WHEN regexp_matches(text, '^\s*([A-Za-z]{3,9},? )?\s*\d{1,2}[/ -][A-Za-z]{3}') THEN regexp_extract(text,
             '^\s*(?:([A-Za-z]{3,9}),? )?\s*(\d\d?)[/ -]([A-Za-z]{3})[a-z]*[/ -](\d{4}|\d{2})[:, T]+(\d\d?:\d\d(?::\d\d)?)(?:[.,](\d{1,18}))?(?:\s*([AaPp])\.?[Mm]\.?)?\s*\(?([zZ]|[+-]\d\d:?(?:\d\d)?|[A-Za-z]{1,5}(?:[+-]\d{1,2}(?::?\d\d)?)?)?\)?()\s*$',
             ['weekday', 'day', 'month', 'year', 'time', 'fraction', 'half', 'zone', 'last_year'])::STRUCT(
             weekday VARCHAR, "year" VARCHAR, "month" VARCHAR, "day" VARCHAR, "time" VARCHAR, half VARCHAR, fraction VARCHAR, "zone" VARCHAR, last_year VARCHAR)
         WHEN regexp_matches(text, '^\s*([A-Za-z]{3,9}\.?,?\s+)?[A-Za-z]{3,9}\.?\s+\d') THEN regexp_extract(text,
             '^\s*(?:([A-Za-z]{3,9})\.?,?\s+)?([A-Za-z]{3})[a-z]*\.?\s+(\d\d?)(?:,?\s+(\d{4}))?,?\s+(\d\d?:\d\d(?::\d\d)?)(?:[.,](\d{1,18}))?(?:\s*([AaPp])\.?[Mm]\.?)?(?:\s*([zZ]|[+-]\d\d:?(?:\d\d)?|[A-Z]{1,5}))?(?:\s+(\d{4}))?\s*$',
             ['weekday', 'month', 'day', 'year', 'time', 'fraction', 'half', 'zone', 'last_year'])::STRUCT(
             weekday VARCHAR, "year" VARCHAR, "month" VARCHAR, "day" VARCHAR, "time" VARCHAR, half VARCHAR, fraction VARCHAR, "zone" VARCHAR, last_year VARCHAR)
    END;

CREATE OR REPLACE MACRO month_number(name) AS
    CASE WHEN name ~ '^\d+$' THEN name
         ELSE nullif((instr('janfebmaraprmayjunjulaugsepoctnovdec', lower(left(name, 3))) + 2) // 3, 0)::VARCHAR END;

-- hours of 1 to 12 with am or pm
CREATE OR REPLACE MACRO clock_of(t) AS
    CASE WHEN t.half = '' THEN t."time"
         ELSE ((try_cast(split_part(t."time", ':', 1) AS INTEGER) % 12) + CASE WHEN lower(t.half) = 'p' THEN 12 ELSE 0 END)
              || t."time"[instr(t."time", ':'):] END;

-- what follows the year, as a cast reads it, and what is added to it: a leap second is the first of the next minute
CREATE OR REPLACE MACRO after_year(month, day, clock) AS
    '-' || month || '-' || day || ' ' || CASE WHEN ends_with(clock, ':60') THEN clock[:-4] || ':59' ELSE coalesce(nullif(clock, ''), '00:00') END;

CREATE OR REPLACE MACRO after_second(clock, fraction) AS
    fraction_micros(fraction) + to_seconds(CASE WHEN ends_with(clock, ':60') THEN 1 ELSE 0 END);

CREATE OR REPLACE MACRO wall_of(year, month, day, clock, fraction) AS
    try_cast(year || after_year(month, day, clock) AS TIMESTAMP) + after_second(clock, fraction);

CREATE OR REPLACE MACRO wall_in(year, given) AS try_cast(year || given.after_year AS TIMESTAMP) + given.after_second;

CREATE OR REPLACE MACRO wall_before(year, given) AS
    coalesce(wall_in(year - 1, given), wall_in(year - 2, given), wall_in(year - 3, given), wall_in(year - 4, given));

-- without a year: the year that brings the time nearest to the landing hour, but no more than 31 days after it: a log does
-- not tell the future; 29 February is in the last leap year
CREATE OR REPLACE MACRO wall_near(landing, month, day, clock, fraction) AS list_transform(
    [{'after_year': after_year(month, day, clock), 'after_second': after_second(clock, fraction),
      'year': year(landing), 'latest': landing + INTERVAL 31 DAY}],
    lambda given: CASE
        WHEN wall_in(given.year, given) > given.latest THEN wall_before(given.year, given)
        WHEN wall_in(given.year + 1, given) <= given.latest THEN wall_in(given.year + 1, given)
        ELSE coalesce(wall_in(given.year, given), wall_before(given.year, given)) END)[1];

-- minutes east of UTC of +09:00, +0900, +09, GMT+2 or an abbreviation; NULL for a name that is not known
CREATE OR REPLACE MACRO zone_minutes(text) AS
    CASE WHEN text ~ '^[+-](0?\d|1[0-5]):?([0-5]\d)?$'
         THEN (CASE WHEN text[1] = '-' THEN -1 ELSE 1 END)
              * (try_cast(regexp_extract(text, '^[+-](\d\d?)', 1) AS INTEGER) * 60 + coalesce(try_cast(regexp_extract(text, '^[+-]\d\d:?(\d\d)$', 1) AS INTEGER), 0))
         WHEN text ~ '^(?i:GMT|UTC)[+-]\d'
         THEN (CASE WHEN text[4] = '-' THEN -1 ELSE 1 END)
              * (try_cast(regexp_extract(text[5:], '^(\d\d?)', 1) AS INTEGER) * 60 + coalesce(try_cast(regexp_extract(text[5:], '^\d\d?:?(\d\d)$', 1) AS INTEGER), 0))
         -- China's and India's where the source is in Asia
         WHEN getvariable('zone') LIKE 'Asia/%' AND upper(text) IN ('CST', 'IST') THEN CASE upper(text) WHEN 'CST' THEN 480 ELSE 330 END
         ELSE map_extract_value(MAP {'Z': 0, 'UTC': 0, 'GMT': 0, 'UT': 0, 'WET': 0, 'WEST': 60, 'BST': 60, 'CET': 60, 'CEST': 120,
              'EET': 120, 'EEST': 180, 'MSK': 180, 'EST': -300, 'EDT': -240, 'CST': -360, 'CDT': -300, 'MST': -420, 'MDT': -360,
              'PST': -480, 'PDT': -420, 'AKST': -540, 'AKDT': -480, 'HST': -600, 'JST': 540, 'KST': 540, 'HKT': 480, 'SGT': 480,
              'AWST': 480, 'AEST': 600, 'AEDT': 660, 'NZST': 720, 'NZDT': 780,
              'SAST': 120, 'EAT': 180, 'CAT': 120, 'WAT': 60, 'PKT': 300, 'WIB': 420, 'WITA': 480, 'WIT': 540}, upper(text)) END;

-- 20261122130405 and 20261122130405123: digits of a date and a time, not of an epoch number
CREATE OR REPLACE MACRO is_packed(text) AS text ~ '^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\d(\d{3})?$';

-- What a written time says before its zone is applied; minutes east of UTC are NULL where it names none, or one that is not known.
CREATE OR REPLACE MACRO reading_of_groups(groups, landing) AS list_transform([groups], lambda t: {
    'wall': CASE WHEN t."day" = '' OR t."day" IS NULL THEN NULL
                 WHEN t."year" <> '' OR t.last_year <> ''
                 THEN wall_of(CASE WHEN length(t."year") = 2 THEN CASE WHEN t."year" < '70' THEN '20' ELSE '19' END || t."year" ELSE coalesce(nullif(t."year", ''), t.last_year) END,
                              month_number(t."month"), t."day", clock_of(t), t.fraction)
                 ELSE wall_near(landing, month_number(t."month"), t."day", clock_of(t), t.fraction) END,
    'minutes': CASE WHEN t."zone" <> '' THEN zone_minutes(t."zone") END,
    'names_zone': t."zone" <> '',
    'is_epoch': false,
    'names_no_year': t."year" = '' AND t.last_year = '',
    'weekday': t.weekday})[1];

-- ISO 8601 is read by one pattern, which is ten times as fast as the general way
CREATE OR REPLACE MACRO reading_of(text, parts, landing) AS CASE
    WHEN parts.date <> '' AND NOT ends_with(parts.time, ':60')
    THEN {'wall': iso_wall(parts), 'minutes': CASE WHEN parts."offset" <> '' THEN offset_minutes(parts."offset") END,
          'names_zone': parts."offset" <> '', 'is_epoch': false, 'names_no_year': false, 'weekday': NULL::VARCHAR}
    WHEN text ~ '^\d{9,19}(\.\d{1,30})?$' AND NOT is_packed(text)
    THEN {'wall': epoch_time(text), 'minutes': 0, 'names_zone': true, 'is_epoch': true, 'names_no_year': false, 'weekday': NULL::VARCHAR}
    ELSE reading_of_groups(time_groups(
        CASE WHEN is_packed(text) THEN text[1:8] || 'T' || text[9:14] || CASE WHEN length(text) = 17 THEN '.' || text[15:] ELSE '' END ELSE text END), landing) END;

CREATE OR REPLACE MACRO moment_of_reading(reading, zone_name) AS list_transform([reading], lambda w: {
    'time': CASE WHEN w.minutes IS NOT NULL THEN w.wall - to_minutes(w.minutes)
                 WHEN w.names_zone AND zone_name IN ('UTC', 'Etc/UTC') THEN NULL
                 ELSE local_to_utc(w.wall, zone_name) END,
    'basis': CASE WHEN w.is_epoch THEN 'epoch' WHEN w.minutes IS NOT NULL THEN 'offset' ELSE local_basis(w.wall, zone_name) END
             || CASE WHEN w.names_no_year THEN '_year_inferred' ELSE '' END,
    'wrong_weekday': CASE WHEN w.weekday <> '' AND lower(left(w.weekday, 3)) <> lower(left(dayname(w.wall), 3)) THEN w.weekday END})[1];

CREATE OR REPLACE MACRO moment_in_zone(text, zone_name) AS
    list_transform([iso_parts(text)], lambda parts: moment_of_reading(reading_of(text, parts, getvariable('landing')::TIMESTAMP), zone_name))[1];

-- {time, basis, wrong_weekday} of a written time or an epoch number; time is NULL where it is none.
-- A zone name that is not known is read in the source's zone where that is not UTC; else the time is none.
CREATE OR REPLACE MACRO moment(text) AS moment_in_zone(text, getvariable('zone'));

-- a time in the form that a source declares: strptime directives, or epoch, epoch_ms, epoch_us, epoch_ns; {time, basis, wrong_weekday}
CREATE OR REPLACE MACRO epoch_scale(form) AS map_extract_value(MAP {'epoch': 1000000, 'epoch_ms': 1000, 'epoch_us': 1, 'epoch_ns': 0.001}, form);

CREATE OR REPLACE MACRO moment_as(text, form, zone) AS
    CASE WHEN epoch_scale(form) IS NOT NULL
         THEN {'time': TRY(make_timestamp(try_cast(trunc(try_cast(text AS DECIMAL(38, 10)) * epoch_scale(form)) AS BIGINT))), 'basis': 'epoch', 'wrong_weekday': NULL::VARCHAR}
         WHEN contains(form, '%z') OR contains(form, '%Z') THEN {'time': try_strptime(text, form)::TIMESTAMP, 'basis': 'offset', 'wrong_weekday': NULL::VARCHAR}
         ELSE {'time': local_to_utc(try_strptime(text, form)::TIMESTAMP, zone), 'basis': local_basis(try_strptime(text, form)::TIMESTAMP, zone), 'wrong_weekday': NULL::VARCHAR} END;
