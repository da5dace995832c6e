-- title: mergeable latency histograms
CREATE OR REPLACE MACRO latency_bucket(ms) AS ceil(ln(greatest(ms, 0.001)) / ln(1.02))::SMALLINT;
