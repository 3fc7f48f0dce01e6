-- A call that both the gateway and an SDK have seen is two spans: the one that does not bill is `repeated`, and neither a
-- request, nor an error, nor a latency is counted for it. What was rolled up before stays as it was counted.
ALTER TABLE {{table:spans}}
    ADD COLUMN IF NOT EXISTS repeated Bool ALIAS cost_reason IN ('billed_by_gateway', 'billed_by_sdk');

ALTER TABLE {{table:usage_by_minute}}
    ADD COLUMN IF NOT EXISTS repeated Bool AFTER billable,
    MODIFY ORDER BY (project_id, bucket, kind, provider, model, environment, source, billable, repeated);

ALTER TABLE {{table:usage_by_hour}}
    ADD COLUMN IF NOT EXISTS repeated Bool AFTER billable,
    MODIFY ORDER BY (project_id, bucket, kind, provider, model, environment, source, billable, repeated);

ALTER TABLE {{view:usage_by_minute_mv}} MODIFY QUERY
SELECT
    project_id,
    toStartOfMinute(s.start_time) AS bucket,
    kind, provider, model, environment, source, billable, repeated,
    toUInt64(count()) AS spans,
    countIf(parent_span_id = '') AS roots,
    countIf(status NOT IN ('ok', 'unset')) AS errors,
    countIf(s.billable AND s.cost_usd IS NULL) AS unpriced,
    countIf(usage_basis = 'estimated') AS estimated,
    sum(ifNull(s.cost_usd, toDecimal64(0, 12))) AS cost_usd,
    sum(ifNull(s.input_tokens, 0)) AS input_tokens,
    sum(ifNull(s.output_tokens, 0)) AS output_tokens,
    sum(ifNull(s.cache_read_tokens, 0)) AS cache_read_tokens,
    sum(ifNull(s.cache_write_tokens, 0)) AS cache_write_tokens,
    sum(ifNull(s.reasoning_tokens, 0)) AS reasoning_tokens,
    sum(s.duration_us) AS duration_us,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(toFloat64(s.duration_us)) AS duration_quantiles,
    quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(toFloat64(ifNull(s.ttft_us, 0)), s.ttft_us IS NOT NULL) AS ttft_quantiles,
    countIf(s.ttft_us IS NOT NULL) AS ttft_count
FROM {{table:spans}} AS s
GROUP BY project_id, bucket, kind, provider, model, environment, source, billable, repeated;

ALTER TABLE {{view:usage_by_hour_mv}} MODIFY QUERY
SELECT
    project_id,
    toStartOfHour(s.bucket) AS bucket,
    kind, provider, model, environment, source, billable, repeated,
    sum(s.spans) AS spans,
    sum(s.roots) AS roots,
    sum(s.errors) AS errors,
    sum(s.unpriced) AS unpriced,
    sum(s.estimated) AS estimated,
    sum(s.cost_usd) AS cost_usd,
    sum(s.input_tokens) AS input_tokens,
    sum(s.output_tokens) AS output_tokens,
    sum(s.cache_read_tokens) AS cache_read_tokens,
    sum(s.cache_write_tokens) AS cache_write_tokens,
    sum(s.reasoning_tokens) AS reasoning_tokens,
    sum(s.duration_us) AS duration_us,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(s.duration_quantiles) AS duration_quantiles,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(s.ttft_quantiles) AS ttft_quantiles,
    sum(s.ttft_count) AS ttft_count
FROM {{table:usage_by_minute}} AS s
GROUP BY project_id, bucket, kind, provider, model, environment, source, billable, repeated;

ALTER TABLE {{view:latency_by_half_hour_mv}} MODIFY QUERY
SELECT
    project_id,
    toStartOfInterval(s.bucket, INTERVAL 30 MINUTE) AS bucket,
    provider, model,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(s.duration_quantiles) AS duration_quantiles,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(s.ttft_quantiles) AS ttft_quantiles,
    sum(s.ttft_count) AS ttft_count
FROM {{table:usage_by_minute}} AS s
WHERE kind IN ('llm', 'embedding', 'reranker') AND NOT repeated
GROUP BY project_id, bucket, provider, model;
