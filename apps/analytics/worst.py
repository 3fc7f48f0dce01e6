"""The traces that did most of what a metric counts, worst first. Holds no SQL."""

from apps.analytics.query import Query
from apps.analytics.rows import TraceRow
from apps.analytics.run import Reads
from apps.analytics.sql.worst import MEASURES, worst_traces_statement
from apps.analytics.traces import trace_rows

__all__ = ["has_worst", "worst_traces"]


def has_worst(metric: str) -> bool:
    """Whether one trace can have more of it than another."""
    return metric in MEASURES


def worst_traces(reads: Reads, query: Query, metric: str, *, limit: int, seconds: float = 5.0) -> tuple[TraceRow, ...]:
    """The dearest traces of the range for a cost, the slowest for a latency, those with most errors for an error."""
    found = reads.rows(worst_traces_statement(query, metric, limit=limit), seconds=seconds)
    return trace_rows(reads, query.project_id, [row[0] for row in found])
