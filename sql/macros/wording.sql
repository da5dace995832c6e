-- title: numbers, shares and times in the sentences of findings; the SQL that checks them
-- each gives NULL for NULL; a sentence that may lack a number says so in other words
CREATE OR REPLACE MACRO human_count(n) AS format('{:,}', n::BIGINT);

-- 1 request, 61 requests
CREATE OR REPLACE MACRO plural(n, noun) AS human_count(n) || ' ' || noun || CASE WHEN n = 1 THEN '' ELSE 's' END;

CREATE OR REPLACE MACRO human_bytes(b) AS CASE
    WHEN b < 1000 THEN b::BIGINT || ' B'
    WHEN b < 99950 THEN printf('%.1f kB', b / 1e3) WHEN b < 999500 THEN printf('%.0f kB', b / 1e3)
    WHEN b < 99950000 THEN printf('%.1f MB', b / 1e6) WHEN b < 999500000 THEN printf('%.0f MB', b / 1e6)
    WHEN b < 99950000000 THEN printf('%.1f GB', b / 1e9) WHEN b < 999500000000 THEN printf('%.0f GB', b / 1e9)
    WHEN b IS NOT NULL THEN printf('%.1f TB', b / 1e12) END;

CREATE OR REPLACE MACRO human_ms(ms) AS CASE
    WHEN ms >= 7200000 THEN printf('%.1f h', ms / 3600000.0) WHEN ms >= 120000 THEN printf('%.1f min', ms / 60000.0)
    WHEN ms >= 10000 THEN printf('%.1f s', ms / 1000.0)
    WHEN ms >= 99.95 THEN format('{:,}', round(ms)::BIGINT) || ' ms' WHEN ms IS NOT NULL THEN printf('%.1f ms', ms::DOUBLE) END;

-- 29%, 2.2%; what is not all is never 100%, what is there never 0%; NULL of nothing
CREATE OR REPLACE MACRO human_percent(percent) AS CASE
    WHEN percent >= 99.5 AND percent < 100 THEN 'over 99%' WHEN percent > 0 AND percent < 0.005 THEN 'under 0.01%'
    WHEN percent > 0 AND percent < 0.995 THEN printf('%.2f%%', percent) WHEN percent > 0 AND percent < 9.95 THEN printf('%.1f%%', percent)
    WHEN percent IS NOT NULL THEN printf('%.0f%%', percent) END;
CREATE OR REPLACE MACRO human_share(part, whole) AS human_percent((100.0 * part / nullif(whole, 0))::DOUBLE);

-- Mon 18 May 21:00 UTC
CREATE OR REPLACE MACRO human_hour(moment) AS strftime(moment, '%a %d %b %H:%M UTC');

-- 2.4×, 24×
CREATE OR REPLACE MACRO human_times(value, base) AS CASE
    WHEN value / nullif(base, 0) < 9.95 THEN printf('%.1f×', (value / base)::DOUBLE)
    WHEN value / nullif(base, 0) IS NOT NULL THEN human_count(round(value / base)) || '×' END;

-- a path or a name in a sentence whose end must still be read
CREATE OR REPLACE MACRO shortened(text) AS CASE WHEN length(text) > 120 THEN left(text, 119) || '…' ELSE text END;

-- "mostly" only from more than half on
CREATE OR REPLACE MACRO human_mostly(name, part, whole) AS
    CASE WHEN part = whole THEN 'all from ' WHEN 2 * part > whole THEN 'mostly from ' ELSE 'the largest part from ' END
    || name || CASE WHEN part = whole THEN '' ELSE ' (' || human_share(part, whole) || ')' END;

-- literals of the query that a finding offers; log content in it stays text, also where somebody pastes the query between the
-- double quotes of a shell: what a shell would expand there, and what cannot be seen, is written as chr(36)
CREATE OR REPLACE MACRO sql_text(value) AS CASE WHEN value IS NULL THEN 'NULL'
    WHEN regexp_matches(value, '[\x00-\x1f\x7f-\x{9f}"$`\\!\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]')
    THEN '(''' || array_to_string(list_transform(regexp_extract_all(value, '(?s).'), lambda one:
        CASE WHEN regexp_matches(one, '[\x00-\x1f\x7f-\x{9f}"$`\\!\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]')
             THEN ''' || chr(' || unicode(one) || ') || ''' ELSE replace(one, '''', '''''') END), '') || ''')'
    ELSE '''' || replace(value, '''', '''''') || '''' END;

-- hour_start BETWEEN TIMESTAMP '…' AND TIMESTAMP '…'
CREATE OR REPLACE MACRO sql_hours(first_hour, last_hour) AS
    'hour_start BETWEEN TIMESTAMP ''' || first_hour::TIMESTAMP || ''' AND TIMESTAMP ''' || last_hour::TIMESTAMP || '''';

-- landing_hour BETWEEN TIMESTAMP '…' AND TIMESTAMP '…': of the ledger
CREATE OR REPLACE MACRO sql_landed(first_hour, last_hour) AS
    'landing_hour BETWEEN TIMESTAMP ''' || first_hour::TIMESTAMP || ''' AND TIMESTAMP ''' || last_hour::TIMESTAMP || '''';

-- hour, day or month: how finely a chart of so long a period is drawn
CREATE OR REPLACE MACRO period_step(first_hour, last_hour) AS
    CASE WHEN last_hour - first_hour < INTERVAL 14 DAY THEN 'hour' WHEN last_hour - first_hour < INTERVAL 730 DAY THEN 'day' ELSE 'month' END;

-- every step of a period, also those without data
CREATE OR REPLACE MACRO period_steps(first_hour, last_hour) AS
    generate_series(date_trunc(period_step(first_hour, last_hour), first_hour::TIMESTAMP), last_hour::TIMESTAMP,
        ('1 ' || period_step(first_hour, last_hour))::INTERVAL);

-- how far a value stands out of earlier ones: median and median absolute deviation on a log scale. A spread of less than
-- 5 % counts as 5 %, or any change of what never changed would stand out.
CREATE OR REPLACE MACRO log_mad(earlier) AS
    greatest(list_median(list_transform(earlier, lambda one: abs(ln(one) - list_median(list_transform(earlier, lambda other: ln(other)))))), 0.05);
CREATE OR REPLACE MACRO robust_z(value, earlier) AS
    0.6745 * (ln(value) - list_median(list_transform(earlier, lambda one: ln(one)))) / log_mad(earlier);
