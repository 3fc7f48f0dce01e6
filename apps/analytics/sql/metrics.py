"""One entry a metric: what it is called, its unit, and its expression over roll-up rows and over spans. The only list
of metric names.

A call is a request to a model; one that the gateway and an SDK have both seen is one call (`repeated` marks the other
span). Tokens and cost are summed over billable spans only, so an agent's span that repeats its
children's totals
counts nothing twice. A cost of which nothing is known is NULL; a cost of which part is known is that part, beside
`unpriced`.
"""

from dataclasses import dataclass

from ingestion.records import CALL_KINDS

__all__ = [
    "CALL",
    "LATENCY_MERGES",
    "LATENCY_METRICS",
    "METRICS",
    "ROLLUP_LATENCY_STATES",
    "SCORE_METRICS",
    "SPANS_LATENCY_STATES",
    "Metric",
    "ScoreMetric",
]

CALL = "kind IN ({}) AND NOT repeated".format(", ".join(f"'{kind.value}'" for kind in CALL_KINDS))
_FAILED = "status NOT IN ('ok', 'unset')"
_LEVELS = "0.01, 0.5, 0.95, 0.99"  # the first is the accuracy: one percent of the value


@dataclass(frozen=True, slots=True)
class Metric:
    """`rollup` is None where only the spans know."""

    label: str
    unit: str
    spans: str
    rollup: str | None


@dataclass(frozen=True, slots=True)
class ScoreMetric:
    """About the scores of one name: `scores` is over judged rows (sql/judged.py), `samples` is what is behind it."""

    label: str
    unit: str
    scores: str
    samples: str


def _quantile(label: str, position: int, *, spans: str, rollup: str) -> Metric:
    return Metric(label, "seconds", f"{spans}[{position}] / 1e6", f"{rollup}[{position}] / 1e6")


def _tokens(label: str, column: str) -> Metric:
    return Metric(label, "tokens", f"sumIf(ifNull({column}, 0), billable)", f"sumIf({column}, billable)")


_MEASURED = f"{CALL} AND ttft_us IS NOT NULL"
_SPANS_LATENCY = f"(toFloat64(duration_us), {CALL})"
_SPANS_TTFT = f"(toFloat64(ifNull(ttft_us, 0)), {_MEASURED})"
_ROLLUP_LATENCY = f"(duration_quantiles, {CALL})"
_ROLLUP_TTFT = f"(ttft_quantiles, {CALL} AND ttft_count > 0)"
_LATENCY = {
    "spans": f"quantilesDDIf({_LEVELS}){_SPANS_LATENCY}",
    "rollup": f"quantilesDDMergeIf({_LEVELS}){_ROLLUP_LATENCY}",
}
_TTFT = {
    "spans": f"quantilesDDIf({_LEVELS}){_SPANS_TTFT}",
    "rollup": f"quantilesDDMergeIf({_LEVELS}){_ROLLUP_TTFT}",
}
SPANS_LATENCY_STATES = (
    f"quantilesDDStateIf({_LEVELS}){_SPANS_LATENCY} AS latency, quantilesDDStateIf({_LEVELS}){_SPANS_TTFT} AS ttft"
)
ROLLUP_LATENCY_STATES = (
    f"quantilesDDMergeStateIf({_LEVELS}){_ROLLUP_LATENCY} AS latency, "
    f"quantilesDDMergeStateIf({_LEVELS}){_ROLLUP_TTFT} AS ttft"
)
LATENCY_MERGES = ", ".join(
    f"quantilesDDMerge({_LEVELS})({state})[{position}] / 1e6" for state in ("latency", "ttft") for position in (1, 2, 3)
)
_SPANS_COST = (
    "if(countIf(billable) > 0 AND countIf(billable AND cost_usd IS NULL) = countIf(billable), NULL, "
    "sumIf(toDecimal128(ifNull(cost_usd, toDecimal64(0, 12)), 12), billable))"
)
_ROLLUP_COST = (
    "if(sumIf(spans, billable) > 0 AND sum(unpriced) = sumIf(spans, billable), NULL, sumIf(cost_usd, billable))"
)

METRICS: dict[str, Metric] = {
    "requests": Metric("Requests", "count", f"countIf({CALL})", f"sumIf(spans, {CALL})"),
    "errors": Metric("Errors", "count", f"countIf({CALL} AND {_FAILED})", f"sumIf(errors, {CALL})"),
    "error_rate": Metric(
        "Error rate",
        "ratio",
        f"if(countIf({CALL}) = 0, NULL, countIf({CALL} AND {_FAILED}) / countIf({CALL}))",
        f"if(sumIf(spans, {CALL}) = 0, NULL, sumIf(errors, {CALL}) / sumIf(spans, {CALL}))",
    ),
    "spans": Metric("Spans", "count", "count()", "sum(spans)"),
    "traces": Metric("Traces", "count", "countIf(parent_span_id = '')", "sum(roots)"),
    "cost": Metric("Cost", "USD", _SPANS_COST, _ROLLUP_COST),
    "unpriced": Metric("Without a price", "count", "countIf(billable AND cost_usd IS NULL)", "sum(unpriced)"),
    "estimated": Metric("Estimated usage", "count", "countIf(usage_basis = 'estimated')", "sum(estimated)"),
    "input_tokens": _tokens("Input tokens", "input_tokens"),
    "output_tokens": _tokens("Output tokens", "output_tokens"),
    "cache_read_tokens": _tokens("Cache read tokens", "cache_read_tokens"),
    "cache_write_tokens": _tokens("Cache write tokens", "cache_write_tokens"),
    "reasoning_tokens": _tokens("Reasoning tokens", "reasoning_tokens"),
    "latency_p50": _quantile("Latency p50", 1, **_LATENCY),
    "latency_p95": _quantile("Latency p95", 2, **_LATENCY),
    "latency_p99": _quantile("Latency p99", 3, **_LATENCY),
    "ttft_p50": _quantile("Time to first token p50", 1, **_TTFT),
    "ttft_p95": _quantile("Time to first token p95", 2, **_TTFT),
    "ttft_p99": _quantile("Time to first token p99", 3, **_TTFT),
    "users": Metric("Users", "count", "uniqIf(user_id, user_id != '')", None),
    "sessions": Metric("Sessions", "count", "uniqIf(session_id, session_id != '')", None),
}
LATENCY_METRICS = tuple(name for name in METRICS if name.startswith(("latency_", "ttft_")))
SCORE_METRICS: dict[str, ScoreMetric] = {
    "score": ScoreMetric("Score", "score", "avg(value)", "count(value)"),
    "score_count": ScoreMetric("Scores", "count", "count()", "count()"),
    "no_verdict_rate": ScoreMetric("Scores without a verdict", "ratio", "countIf(failed) / count()", "count()"),
}
