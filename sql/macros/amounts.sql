-- title: amounts of money, exact
-- digits after the point that a currency has by ISO 4217
CREATE OR REPLACE MACRO currency_digits(currency) AS CASE
    WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
    WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
    WHEN currency IN ('CLF', 'UYW') THEN 4 ELSE 2 END;

-- 1,234.50 → 1234.50 with the decimal mark ., 1.234,50 with the mark ,; anything else stays as it is
CREATE OR REPLACE MACRO amount_digits(text, mark) AS list_transform(
    [CASE WHEN mark = ',' THEN translate(trim(text), '.,', ',.') ELSE trim(text) END],
    lambda given: CASE WHEN regexp_full_match(given, '[+-]?\d{1,3}([, '']\d{3})+(\.\d+)?') THEN regexp_replace(given, '[, '']', '', 'g') ELSE given END)[1];

-- NULL for a text that is no amount, or one that would have to be rounded: more than 18 digits before the point or 6 after it
CREATE OR REPLACE MACRO exact_amount(digits) AS CASE
    -- the same, twenty times as fast
    WHEN regexp_full_match(digits, '[+-]?\d{1,12}(\.\d{0,6})?') THEN rtrim(digits, '.')::DECIMAL(18, 6)::DECIMAL(24, 6)
    WHEN regexp_full_match(digits, '[+-]?0*\d{1,18}(\.\d{0,6}0*)?') THEN rtrim(digits, '.')::DECIMAL(24, 6) END;

-- minor_digits: how many of the last digits are those after the point (cents: 2); NULL where the text has a point itself
CREATE OR REPLACE MACRO amount_of(text, mark, minor_digits) AS list_transform([amount_digits(text, mark)], lambda digits: CASE
    WHEN minor_digits IS NULL THEN exact_amount(digits)
    WHEN regexp_full_match(digits, '[+-]?\d{1,18}') THEN (digits::DECIMAL(24, 0)
        * CASE minor_digits WHEN 0 THEN 1.0000 WHEN 2 THEN 0.0100 WHEN 3 THEN 0.0010 WHEN 4 THEN 0.0001 END::DECIMAL(5, 4))::DECIMAL(24, 6) END)[1];

-- 1,234.50: with the digits of its currency, and more where the amount has more; NULL without a currency
CREATE OR REPLACE MACRO money(amount, currency) AS list_transform([CASE WHEN currency IS NOT NULL THEN abs(amount)::VARCHAR END], lambda text:
    CASE WHEN amount < 0 THEN '-' ELSE '' END
    || ltrim(reverse(regexp_replace(reverse(split_part(text, '.', 1)), '(\d{3})', '\1,', 'g')), ',')
    || list_transform([rtrim(split_part(text, '.', 2), '0')], lambda fraction: CASE WHEN greatest(len(fraction), currency_digits(currency)) = 0 THEN ''
        ELSE '.' || rpad(fraction, greatest(len(fraction), currency_digits(currency))::INTEGER, '0') END)[1])[1];
