-- title: the lines of a stack trace that are worth showing
-- the exception with its nearest frames, and each cause with its nearest; Python has them at the end
CREATE OR REPLACE MACRO stack_top(trace) AS CASE
    WHEN app_language_of(trace) = 'python'
    THEN array_to_string(list_transform(string_split(rtrim(right(trace, 20000), chr(10)), chr(10))[-8:], lambda line: left(line, 200)), chr(10))
    ELSE array_to_string(list_transform([string_split(rtrim(left(trace, 20000), chr(10)), chr(10))], lambda lines:
        list_transform(list_filter(lines, lambda line, place: place <= 5 OR starts_with(line, 'Caused by:')
            OR starts_with(coalesce(lines[place - 1], ''), 'Caused by:')), lambda line: left(line, 200))[1:12])[1], chr(10)) END;
