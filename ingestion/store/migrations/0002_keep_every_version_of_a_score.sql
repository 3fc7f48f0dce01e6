-- A correction of a score is one more row, and the newest of an id is read. Rows that merges take away would be missing
-- in the ledger, which counts rows. No earlier version wrote a score, so there is none to carry over.
DROP TABLE IF EXISTS {{table:scores}} SYNC;

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
    INDEX session_id_bloom session_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX id_bloom id TYPE bloom_filter(0.01) GRANULARITY 4
)
{{engine:MergeTree:scores}}
PARTITION BY toYYYYMM(timestamp)
ORDER BY (project_id, toDate(timestamp), name, id)
SETTINGS {{dedup}};
