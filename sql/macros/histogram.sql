-- title: mergeable latency histograms
CREATE OR REPLACE MACRO latency_bucket(ms) AS ceil(ln(greatest(ms, 0.001)) / ln(1.02))::SMALLINT;

-- the value in the middle of a bucket: off by at most 1%
CREATE OR REPLACE MACRO bucket_ms(b) AS 2 * pow(1.02, b) / 2.02;

-- adds the histograms of a list, e.g. merge_histograms(list(duration_histogram))
CREATE OR REPLACE MACRO merge_histograms(hists) AS
    list_sort(list_transform(map_entries(list_reduce(
        list_transform(flatten(hists), lambda item: MAP {item.b: item.n::UBIGINT}),
        lambda total, item: map_concat(total, MAP {map_keys(item)[1]:
            coalesce(total[map_keys(item)[1]], 0::UBIGINT) + map_values(item)[1]}))),
        lambda entry: {'b': entry.key, 'n': entry.value}));

-- percentile(histogram, 0.99) → milliseconds; nearest rank
CREATE OR REPLACE MACRO percentile(hist, p) AS bucket_ms(list_filter(hist, lambda item, place:
    list_sum(list_transform(hist[1:place], lambda one: one.n)) >= ceil(p * list_sum(list_transform(hist, lambda one: one.n))))[1].b);
