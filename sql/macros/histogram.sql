-- title: mergeable latency histograms
CREATE OR REPLACE MACRO latency_bucket(ms) AS ceil(ln(greatest(ms, 0.001)) / ln(1.02))::SMALLINT;

-- the value in the middle of a bucket: off by at most 1%
CREATE OR REPLACE MACRO bucket_ms(b) AS 2 * pow(1.02, b) / 2.02;

-- histograms merge by unnesting them and adding n of equal b
-- percentile(histogram, 0.99) → milliseconds; nearest rank
CREATE OR REPLACE MACRO percentile(hist, p) AS bucket_ms(list_filter(hist, lambda item, place:
    list_sum(list_transform(hist[1:place], lambda one: one.n)) >= ceil(p * list_sum(list_transform(hist, lambda one: one.n))))[1].b);
