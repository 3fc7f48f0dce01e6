"""OTLP metrics → rows of `gpu_samples`. Pure: bytes in, samples and losses out; knows no spool and no store.

A sample is one number of one data point: a gauge or sum point is one; a histogram point is its count, its sum and one
for each bucket. The gateway counts by the same rule (proxy/otlp_count.py), so the ledger counts rows.
"""

from ingestion.metrics.body import UnreadableMetrics, parse
from ingestion.metrics.reading import Lost, Reading, read

__all__ = ["Lost", "Reading", "UnreadableMetrics", "parse", "read"]
