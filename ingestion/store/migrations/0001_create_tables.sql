-- One wide, immutable row per finished span; trace-level fields stand on every row, so reading a trace needs no join and no FINAL.
-- Sort key: a page of traces reads one project's newest minutes; within a minute a trace's spans lie together.
CREATE TABLE IF NOT EXISTS {{table:spans}}
(
    project_id        UInt64 CODEC(Delta, ZSTD(1)),
    trace_id          String CODEC(ZSTD(1)),
    span_id           String CODEC(ZSTD(1)),
    parent_span_id    String CODEC(ZSTD(1)),
    start_time        DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    end_time          DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_us       UInt64 CODEC(T64, ZSTD(1)),
    ttft_us           Nullable(UInt64) CODEC(T64, ZSTD(1)),
    received_at       DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    batch_id          UInt64 CODEC(Delta, ZSTD(1)),
    request_id        String CODEC(ZSTD(1)),
    kind              LowCardinality(String),
    name              LowCardinality(String),
    source            LowCardinality(String),
    convention        LowCardinality(String),
    status            LowCardinality(String),
    http_status       UInt16,
    error_type        LowCardinality(String),
    error_message     String CODEC(ZSTD(1)),
    stream            Bool,
    finish_reason     LowCardinality(String),
    provider          LowCardinality(String),
    model_requested   LowCardinality(String),
    model             LowCardinality(String),
    response_id       String CODEC(ZSTD(1)),
    user_id           String CODEC(ZSTD(1)),
    session_id        String CODEC(ZSTD(1)),
    session_name      LowCardinality(String),
    trace_name        LowCardinality(String),
    environment       LowCardinality(String),
    release           LowCardinality(String),
    service           LowCardinality(String),
    tags              Array(LowCardinality(String)),
    prompt_name       LowCardinality(String),
    prompt_version    LowCardinality(String),
    agent_name        LowCardinality(String),
    tool_name         LowCardinality(String),
    properties        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attributes        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    events            String CODEC(ZSTD(1)),
    clock_adjusted    Bool,
    billable          Bool,
    input_tokens      Nullable(UInt64) CODEC(T64, ZSTD(1)),
    output_tokens     Nullable(UInt64) CODEC(T64, ZSTD(1)),
    cache_read_tokens  Nullable(UInt64) CODEC(T64, ZSTD(1)),
    cache_write_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    reasoning_tokens  Nullable(UInt64) CODEC(T64, ZSTD(1)),
    usage             Map(LowCardinality(String), Decimal(18, 6)) CODEC(ZSTD(1)),
    usage_basis       LowCardinality(String),
    token_basis       LowCardinality(String),
    usage_raw         String CODEC(ZSTD(1)),
    cost              Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_currency     LowCardinality(String),
    cost_usd          Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_details      Map(LowCardinality(String), Decimal(18, 12)) CODEC(ZSTD(1)),
    cost_status       LowCardinality(String),
    cost_reason       LowCardinality(String),
    price_id          LowCardinality(String),
    reported_cost_usd Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),
    input_preview     String CODEC(ZSTD(1)),
    output_preview    String CODEC(ZSTD(1)),
    model_parameters  String CODEC(ZSTD(1)),
    input             String CODEC(ZSTD(3)),
    output            String CODEC(ZSTD(3)),
    raw_request       String CODEC(ZSTD(3)),
    raw_response      String CODEC(ZSTD(3)),
    request_headers   Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    response_headers  Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    client_address    String CODEC(ZSTD(1)),
    queue_us          Nullable(UInt64) CODEC(ZSTD(1)),
    INDEX received_at_minmax received_at TYPE minmax GRANULARITY 4,
    INDEX span_id_bloom span_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX user_id_bloom user_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX session_id_bloom session_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX response_id_bloom response_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX input_words lower(input) TYPE text(tokenizer = 'splitByNonAlpha'),
    INDEX output_words lower(output) TYPE text(tokenizer = 'splitByNonAlpha')
)
{{engine:MergeTree:spans}}
PARTITION BY toYYYYMM(start_time)
ORDER BY (project_id, toStartOfMinute(start_time), trace_id, span_id)
SETTINGS {{dedup}}, index_granularity = 1024, index_granularity_bytes = 67108864;

-- Scores may be corrected: the newest row of an id wins (read with FINAL or argMax: the table is small beside spans).
CREATE TABLE IF NOT EXISTS {{table:scores}}
(
    project_id    UInt64,
    id            String,
    trace_id      String,
    span_id       String,
    session_id    String,
    name          LowCardinality(String),
    data_type     LowCardinality(String),
    value         Nullable(Float64),
    text_value    String CODEC(ZSTD(1)),
    source        LowCardinality(String),
    author        LowCardinality(String),
    comment       String CODEC(ZSTD(1)),
    evaluator     LowCardinality(String),
    evaluator_version LowCardinality(String),
    environment   LowCardinality(String),
    metadata      Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    cost_usd      Nullable(Decimal(18, 12)),
    timestamp     DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    updated_at    DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    deleted       Bool,
    batch_id      UInt64,
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX session_id_bloom session_id TYPE bloom_filter(0.01) GRANULARITY 4
)
{{engine:ReplacingMergeTree:scores:updated_at}}
PARTITION BY toYYYYMM(timestamp)
ORDER BY (project_id, toDate(timestamp), name, id)
SETTINGS {{dedup}};

-- One measured value of one device or server; narrow, so that a new metric is no schema change.
CREATE TABLE IF NOT EXISTS {{table:gpu_samples}}
(
    project_id   UInt64,
    metric       LowCardinality(String),
    host         LowCardinality(String),
    device       LowCardinality(String),
    model        LowCardinality(String),
    time         DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    value        Float64 CODEC(Gorilla, ZSTD(1)),
    unit         LowCardinality(String),
    instrument   LowCardinality(String),
    start_time   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    labels       Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    received_at  DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    batch_id     UInt64 CODEC(Delta, ZSTD(1))
)
{{engine:MergeTree:gpu_samples}}
PARTITION BY toYYYYMM(time)
ORDER BY (project_id, metric, host, device, time)
SETTINGS {{dedup}};

-- Records that were accepted and are not in the store, each with its reason: the other side of the ledger.
CREATE TABLE IF NOT EXISTS {{table:drops}}
(
    project_id   UInt64,
    received_at  DateTime64(3, 'UTC'),
    reason       LowCardinality(String),
    signal       LowCardinality(String),
    records      UInt64,
    detail       String CODEC(ZSTD(1)),
    position     String,
    sample       String CODEC(ZSTD(3)),
    batch_id     UInt64
)
{{engine:MergeTree:drops}}
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, received_at)
SETTINGS {{dedup}};

-- What ingest says it did with each spool range, a row per project; inserted last, so a row here means the batch is whole.
CREATE TABLE IF NOT EXISTS {{table:batches}}
(
    project_id   UInt64,
    batch_id     UInt64,
    writer       LowCardinality(String),
    segment      UInt64,
    start_offset UInt64,
    end_offset   UInt64,
    received_at  DateTime64(3, 'UTC'),
    last_received_at DateTime64(3, 'UTC'),
    written_at   DateTime64(3, 'UTC'),
    accepted     UInt64,
    written      UInt64,
    dropped      UInt64
)
{{engine:MergeTree:batches}}
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, received_at, batch_id)
SETTINGS {{dedup}};

-- Rows that retention removed, so that the ledger still balances.
CREATE TABLE IF NOT EXISTS {{table:expirations}}
(
    project_id   UInt64,
    table_name   LowCardinality(String),
    expired_at   DateTime64(3, 'UTC'),
    received_day Date,
    records      UInt64,
    batch_id     UInt64
)
{{engine:MergeTree:expirations}}
ORDER BY (project_id, received_day, expired_at)
SETTINGS {{dedup}};

-- Bodies accepted lately, so that a resent one is known. A body's own position is kept, so that a replay does not take itself for a duplicate.
CREATE TABLE IF NOT EXISTS {{table:intake_hashes}}
(
    project_id   UInt64,
    body_hash    FixedString(16),
    position     String,
    received_at  DateTime64(3, 'UTC')
)
{{engine:MergeTree:intake_hashes}}
ORDER BY (project_id, received_at)
TTL toDateTime(received_at) + INTERVAL 2 DAY
SETTINGS {{dedup}};

-- Trace id → when, so that a trace is found by its id alone without a scan.
CREATE TABLE IF NOT EXISTS {{table:trace_index}}
(
    project_id  UInt64,
    trace_id    String CODEC(ZSTD(1)),
    first_start SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    last_start  SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
{{engine:AggregatingMergeTree:trace_index}}
ORDER BY (project_id, trace_id)
SETTINGS {{dedup}}, index_granularity = 256;

CREATE MATERIALIZED VIEW IF NOT EXISTS {{view:trace_index_mv}} TO {{table:trace_index}} AS
SELECT project_id, trace_id, min(start_time) AS first_start, max(start_time) AS last_start
FROM {{table:spans}}
GROUP BY project_id, trace_id;

-- Roll-ups for the overview: every span, by minute and by hour. Unknown cost is counted, never summed as zero.
-- Sketches hold microseconds: ClickHouse's DDSketch keeps its promised accuracy only above 1.
CREATE TABLE IF NOT EXISTS {{table:usage_by_minute}}
(
    project_id    UInt64,
    bucket        DateTime('UTC') CODEC(Delta, ZSTD(1)),
    kind          LowCardinality(String),
    provider      LowCardinality(String),
    model         LowCardinality(String),
    environment   LowCardinality(String),
    source        LowCardinality(String),
    billable      Bool,
    spans         SimpleAggregateFunction(sum, UInt64),
    roots         SimpleAggregateFunction(sum, UInt64),
    errors        SimpleAggregateFunction(sum, UInt64),
    unpriced      SimpleAggregateFunction(sum, UInt64),
    estimated     SimpleAggregateFunction(sum, UInt64),
    cost_usd      SimpleAggregateFunction(sum, Decimal(38, 12)),
    input_tokens  SimpleAggregateFunction(sum, UInt64),
    output_tokens SimpleAggregateFunction(sum, UInt64),
    cache_read_tokens  SimpleAggregateFunction(sum, UInt64),
    cache_write_tokens SimpleAggregateFunction(sum, UInt64),
    reasoning_tokens   SimpleAggregateFunction(sum, UInt64),
    duration_us   SimpleAggregateFunction(sum, UInt64),
    duration_quantiles AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    ttft_quantiles     AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    ttft_count    SimpleAggregateFunction(sum, UInt64)
)
{{engine:AggregatingMergeTree:usage_by_minute}}
PARTITION BY toYYYYMM(bucket)
ORDER BY (project_id, bucket, kind, provider, model, environment, source, billable)
SETTINGS {{dedup}}, index_granularity = 1024;

CREATE TABLE IF NOT EXISTS {{table:usage_by_hour}} AS {{table:usage_by_minute}}
{{engine:AggregatingMergeTree:usage_by_hour}}
PARTITION BY toYYYYMM(bucket)
ORDER BY (project_id, bucket, kind, provider, model, environment, source, billable)
SETTINGS {{dedup}}, index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS {{view:usage_by_minute_mv}} TO {{table:usage_by_minute}} AS
SELECT
    project_id,
    toStartOfMinute(s.start_time) AS bucket,
    kind, provider, model, environment, source, billable,
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
GROUP BY project_id, bucket, kind, provider, model, environment, source, billable;

CREATE MATERIALIZED VIEW IF NOT EXISTS {{view:usage_by_hour_mv}} TO {{table:usage_by_hour}} AS
SELECT
    project_id,
    toStartOfHour(s.bucket) AS bucket,
    kind, provider, model, environment, source, billable,
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
GROUP BY project_id, bucket, kind, provider, model, environment, source, billable;


-- Latency of calls alone, with few dimensions: merging a sketch costs about 2 microseconds, so a month must be some ten
-- thousand of them, not a million. Half hours, because a day in India starts at 18:30 UTC.
CREATE TABLE IF NOT EXISTS {{table:latency_by_half_hour}}
(
    project_id    UInt64,
    bucket        DateTime('UTC') CODEC(Delta, ZSTD(1)),
    provider      LowCardinality(String),
    model         LowCardinality(String),
    duration_quantiles AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    ttft_quantiles     AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    ttft_count    SimpleAggregateFunction(sum, UInt64)
)
{{engine:AggregatingMergeTree:latency_by_half_hour}}
PARTITION BY toYYYYMM(bucket)
ORDER BY (project_id, bucket, provider, model)
SETTINGS {{dedup}}, index_granularity = 256;

CREATE MATERIALIZED VIEW IF NOT EXISTS {{view:latency_by_half_hour_mv}} TO {{table:latency_by_half_hour}} AS
SELECT
    project_id,
    toStartOfInterval(s.bucket, INTERVAL 30 MINUTE) AS bucket,
    provider, model,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(s.duration_quantiles) AS duration_quantiles,
    quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(s.ttft_quantiles) AS ttft_quantiles,
    sum(s.ttft_count) AS ttft_count
FROM {{table:usage_by_minute}} AS s
WHERE kind IN ('llm', 'embedding', 'reranker')
GROUP BY project_id, bucket, provider, model;
