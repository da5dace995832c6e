-- title: what analysts calculate with; in catalog.duckdb, too
-- Each of these stands alone: a catalog that is attached does not find other macros. The comment above one is its comment there.

-- percentile(duration_histogram, 0.99): milliseconds by nearest rank, within 1%; NULL of an empty histogram
CREATE OR REPLACE MACRO percentile(hist, p) AS 2 * pow(1.02, list_transform([hist], lambda whole: list_reduce(
    list_prepend({'b': NULL::SMALLINT, 'missing': greatest(1, ceil(p * list_sum(list_transform(whole, lambda one: one.n))))::BIGINT},
        list_transform(whole, lambda one: {'b': one.b, 'missing': one.n::BIGINT})),
    lambda found, one: CASE WHEN found.missing <= 0 THEN found ELSE {'b': one.b, 'missing': found.missing - one.missing} END).b)[1]) / 2.02;

-- merge_histograms(list(duration_histogram)): one histogram of all rows of a group, for percentile
CREATE OR REPLACE MACRO merge_histograms(hists) AS (
    SELECT list({'b': b, 'n': n} ORDER BY b)
    FROM (SELECT item.b AS b, sum(item.n)::BIGINT AS n FROM (SELECT unnest(flatten(hists)) AS item) GROUP BY item.b));

-- hours_between(first, last): the full hours from one time to the other, both included, as a list to unnest
CREATE OR REPLACE MACRO hours_between(first, last) AS
    generate_series(date_trunc('hour', first::TIMESTAMP), date_trunc('hour', last::TIMESTAMP), INTERVAL 1 HOUR);

-- mask_address(text): addresses in a text shortened to their network, 203.0.113.0 (/24) and 2001:db8:1:: (/48)
CREATE OR REPLACE MACRO mask_address(text) AS
    regexp_replace(
    regexp_replace(
    regexp_replace(text,
        '\b(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b', '\1.0', 'g'),
        '(?i)\b([0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4})(?::[0-9a-f]{1,4}){5}\b', '\1::', 'g'),
        '(?i)\b([0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,2})(?::[0-9a-f]{1,4})*::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?', '\1::', 'g');
