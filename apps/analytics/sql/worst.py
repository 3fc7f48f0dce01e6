"""Which traces did most of what a metric counts: the dearest, the slowest, those with most errors."""

from apps.analytics.query import Query
from apps.analytics.sql.metrics import CALL
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement

__all__ = ["MEASURES", "worst_traces_statement"]

_FAILED = f"countIf({CALL} AND status NOT IN ('ok', 'unset'))"
_SLOW = f"maxIf(duration_us, {CALL})"
_WAITED = f"maxIf(ifNull(ttft_us, 0), {CALL})"
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
# Over the spans of one trace that the filters keep.
MEASURES: dict[str, str] = {
    "cost": "sumIf(ifNull(cost_usd, toDecimal64(0, 12)), billable)",
    "unpriced": "countIf(billable AND cost_usd IS NULL)",
    "estimated": "countIf(usage_basis = 'estimated')",
    "requests": f"countIf({CALL})",
    "spans": "count()",
    "errors": _FAILED,
    "error_rate": _FAILED,
    **{name: f"sumIf(ifNull({name}, 0), billable)" for name in _TOKENS},
    **dict.fromkeys(("latency_p50", "latency_p95", "latency_p99"), _SLOW),
    **dict.fromkeys(("ttft_p50", "ttft_p95", "ttft_p99"), _WAITED),
}


def worst_traces_statement(query: Query, metric: str, *, limit: int) -> Statement:
    """Trace ids, the largest first, of equal ones the newest; those with nothing of it are left out."""
    where = Where()
    where.project(query.project_id)
    where.starts_within(query.range)
    where.filters(query.filters)
    return Statement(
        f"SELECT trace_id FROM spans WHERE {where.sql} GROUP BY trace_id HAVING {MEASURES[metric]} > 0 "
        f"ORDER BY {MEASURES[metric]} DESC, max(start_time) DESC, trace_id LIMIT {where.bind(limit)}",
        where.values,
        "traces.worst",
    )
