-- title: mergeable latency histograms
CREATE OR REPLACE MACRO latency_bucket(ms) AS ceil(ln(greatest(ms, 0.001)) / ln(1.02))::SMALLINT;

-- the value in the middle of a bucket: off by at most 1%
CREATE OR REPLACE MACRO bucket_ms(b) AS 2 * pow(1.02, b) / 2.02;
