-- A month of half hours is 1,440 steps, and each merges a sketch of every model: a coarser level for long ranges.
-- Dropped first, so that a run that was killed in the middle is repeated whole and counts nothing twice.
DROP VIEW IF EXISTS {{view:latency_by_six_hours_mv}} SYNC;

DROP TABLE IF EXISTS {{table:latency_by_six_hours}} SYNC;

CREATE TABLE IF NOT EXISTS {{table:latency_by_six_hours}} AS {{table:latency_by_half_hour}}
{{engine:AggregatingMergeTree:latency_by_six_hours}}
PARTITION BY toYYYYMM(bucket)
ORDER BY (project_id, bucket, provider, model)
SETTINGS {{dedup}}, index_granularity = 256;

-- What is there already. Not grouped here, which would hold every sketch in memory: merges bring the rows together.
-- The plain names, for on a cluster those reach every shard.
INSERT INTO latency_by_six_hours (project_id, bucket, provider, model, duration_quantiles, ttft_quantiles, ttft_count)
SELECT
    project_id,
    toStartOfInterval(s.bucket, INTERVAL 6 HOUR) AS bucket,
    provider, model, duration_quantiles, ttft_quantiles, ttft_count
FROM latency_by_half_hour AS s
SETTINGS distributed_foreground_insert = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS {{view:latency_by_six_hours_mv}} TO {{table:latency_by_six_hours}} AS
SELECT
    project_id,
    toStartOfInterval(s.bucket, INTERVAL 6 HOUR) AS bucket,
    provider, model,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(s.duration_quantiles) AS duration_quantiles,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(s.ttft_quantiles) AS ttft_quantiles,
    sum(s.ttft_count) AS ttft_count
FROM {{table:latency_by_half_hour}} AS s
GROUP BY project_id, bucket, provider, model;
