"""The traces that an incident is about, worst first for its rule's metric: the dearest, the slowest, the lowest scored.

Where a metric says nothing of a single trace, or the rule looks for too little of it, they come newest first.
"""

from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from django.http import QueryDict
from django.urls import reverse

from apps.alerts.contexts import TraceLine
from apps.alerts.metrics import of_scores
from apps.alerts.models import Incident
from apps.alerts.outbox import traces_path
from apps.alerts.spec import RuleSpec
from apps.analytics.parse import query_from
from apps.analytics.query import Field, Filter, Page, Query, TimeRange
from apps.analytics.rows import TraceRow
from apps.analytics.run import Reads
from apps.analytics.score_trends import WorstScore, worst_scores
from apps.analytics.traces import trace_list, trace_rows
from apps.analytics.worst import has_worst, worst_traces
from apps.ui.format import number_text

__all__ = ["examples_of", "more_path"]

_MOST = 6
_SECONDS = 5.0
_AROUND = timedelta(minutes=10)
_LONGEST = timedelta(days=7)  # an incident that is open for months is shown by how it began


def examples_of(reads: Reads, spec: RuleSpec, row: Incident, *, slug: str, now: datetime) -> tuple[TraceLine, ...]:
    """Some traces around the incident."""
    if of_scores(spec.metric):
        return _of_scores(reads, spec, row, slug=slug, now=now)
    href = traces_path(slug, spec, row, now=now)
    query = query_from(QueryDict(urlsplit(href).query), project_id=row.project_id, now=now)
    query = query.over(_shortened(query.range))
    rows: tuple[TraceRow, ...] = ()
    if has_worst(spec.metric) and not spec.looks_down:
        rows = worst_traces(reads, query, spec.metric, limit=_MOST, seconds=_SECONDS)
    if not rows:
        rows = trace_list(reads, query, Page(limit=_MOST), seconds=_SECONDS).rows
    return tuple(_line(trace, slug) for trace in rows)


def more_path(spec: RuleSpec, row: Incident, *, slug: str, now: datetime) -> str:
    """Where there are more of them: the page of the score, or the list of traces."""
    if not of_scores(spec.metric):
        return traces_path(slug, spec, row, now=now)
    query = _query(spec, row, now=now)
    chosen = [
        (f"{one.field.value}-not" if one.negated else one.field.value, value)
        for one in query.filters
        for value in one.values
        if value
    ]
    chosen += [("name", spec.score), ("from", query.range.start.isoformat()), ("to", query.range.end.isoformat())]
    return f"{reverse('scores:score', args=[slug])}?{urlencode(chosen)}"


def _query(spec: RuleSpec, row: Incident, *, now: datetime) -> Query:
    labels = tuple(Filter(Field(name), (value,)) for name, value in row.labels.items())
    start = row.started_at - spec.window - spec.hold
    time_range = TimeRange(start, (row.resolved_at or now) + _AROUND)
    return Query(project_id=row.project_id, range=_shortened(time_range), filters=(*spec.filters, *labels))


def _of_scores(reads: Reads, spec: RuleSpec, row: Incident, *, slug: str, now: datetime) -> tuple[TraceLine, ...]:
    """One line a trace: what is worst of it."""
    found = worst_scores(
        reads, _query(spec, row, now=now), spec.score, highest=not spec.looks_down,
        failed=spec.metric == "no_verdict_rate", limit=_MOST * 4,
    )  # fmt: skip
    worst: dict[str, WorstScore] = {}
    for one in found:
        if one.trace_id:
            worst.setdefault(one.trace_id, one)
    rows = trace_rows(reads, row.project_id, list(worst)[:_MOST])
    return tuple(_line(trace, slug, said=_said(worst[trace.trace_id])) for trace in rows)


def _said(score: WorstScore) -> str:
    value = score.category or (number_text(score.value) if score.value is not None else "no verdict")
    return f"{value}: {score.comment}"[:200] if score.comment else value


def _line(trace: TraceRow, slug: str, said: str = "") -> TraceLine:
    return TraceLine(
        name=trace.name, href=reverse("traces:trace", args=[slug, trace.trace_id]), start=trace.start,
        status=trace.status, user=trace.user_id, cost=trace.cost, duration=trace.duration, said=said,
    )  # fmt: skip


def _shortened(time_range: TimeRange) -> TimeRange:
    return TimeRange(time_range.start, min(time_range.end, time_range.start + _LONGEST))
