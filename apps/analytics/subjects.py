"""What evaluation rules judge: spans and traces as they arrive in the store, whole, in pages. Holds no SQL.

The order is (received, trace id, span id). Live reading goes by batches: `arrivals` names those that became whole in a
stretch of the store's time, `Window` reads what they brought. So a span that lay in a spool for hours is seen when it
arrives, and none is passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.analytics.query import Filter, TimeRange
from apps.analytics.run import Reads
from apps.analytics.sql.subjects import (
    SUBJECT_COLUMNS,
    amounts_statement,
    arrivals_statement,
    counted_statement,
    known_scores_statement,
    rule_scores_statement,
    sample_statement,
    subjects_statement,
)
from apps.analytics.sql.traces import extent_statement
from apps.analytics.statement import micros

__all__ = [
    "Arrivals",
    "Place",
    "RuleScores",
    "SubjectRow",
    "Window",
    "arrivals_read",
    "lengths_read",
    "rule_scores_read",
    "scores_known",
    "subjects_count",
    "subjects_read",
]

Place = tuple[int, str, str]  # received in Unix milliseconds, trace id, span id
_MOST_BATCHES = 1000
_AROUND = timedelta(hours=1)
_MOST_DOCUMENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRow:
    """One span with its texts; of a whole trace (`roots`) the root span, with the money and tokens of all its spans.

    `duration` and `ttft` are seconds. Unknown is None: also the cost of a trace of which one call has no price.
    """

    trace_id: str
    span_id: str
    session_id: str
    kind: str
    model: str
    provider: str
    input: str
    output: str
    error_message: str
    status: str
    duration: float
    ttft: float | None
    cost_usd: Decimal | None
    input_tokens: int | None
    output_tokens: int | None
    attributes: Mapping[str, str]
    environment: str
    start: datetime
    end: datetime
    received_at: datetime
    documents: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Where it stands in the order."""
        return micros(self.received_at) // 1000, self.trace_id, self.span_id


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Batches that became whole after the time asked for, up to `until`. `received`: where their spans lie."""

    batches: tuple[int, ...]
    until: datetime
    received: TimeRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which spans are subjects. `roots`: one for each trace. `batches` empty: whatever brought them."""

    project_id: int
    received: TimeRange
    filters: tuple[Filter, ...] = ()
    roots: bool = False
    batches: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleScores:
    """What the scores of one rule amount to. `rule` is its public id."""

    rule: str
    count: int
    judged: int
    mean: float | None
    last_value: float | None
    last_text: str
    last_at: datetime


def arrivals_read(reads: Reads, project_id: int, *, after: datetime, until: datetime) -> Arrivals:
    """Return the oldest batches of (after, until]; when there are too many, `until` of the answer is earlier."""
    found = reads.rows(arrivals_statement(project_id, after=after, until=until, limit=_MOST_BATCHES))
    if len(found) == _MOST_BATCHES:
        # All of the last millisecond belong together: the next stretch begins after it.
        last = found[-1][1]
        earlier = [row for row in found if row[1] < last]
        found = earlier or reads.rows(
            arrivals_statement(project_id, after=last - timedelta(milliseconds=1), until=last, limit=50 * _MOST_BATCHES)
        )
        until = found[-1][1]
    if not found:
        return Arrivals((), until, TimeRange(until, until))
    # The ids say which spans; the range only says where to look, so it need not be exact.
    received = TimeRange(min(row[2] for row in found) - _AROUND, max(row[3] for row in found) + _AROUND)
    return Arrivals(tuple(int(row[0]) for row in found), until, received)


def subjects_read(
    reads: Reads, window: Window, *, after: Place | None, limit: int, newest_first: bool = False
) -> tuple[SubjectRow, ...]:
    """Return the next subjects after a place, with the documents of their traces."""
    found = reads.rows(
        subjects_statement(
            window.project_id, received=window.received, batches=window.batches, filters=window.filters,
            roots=window.roots, after=after, limit=limit, newest_first=newest_first,
        )
    )  # fmt: skip
    rows = [_row(row) for row in found]
    if not rows:
        return ()
    amounts = _amounts(reads, window.project_id, tuple(dict.fromkeys(row.trace_id for row in rows)))
    return tuple(_with(row, amounts.get(row.trace_id), whole=window.roots) for row in rows)


def subjects_count(reads: Reads, window: Window) -> int:
    """How many subjects there are."""
    rows = reads.rows(
        counted_statement(window.project_id, received=window.received, filters=window.filters, roots=window.roots)
    )
    return int(rows[0][0])


def lengths_read(reads: Reads, window: Window, *, limit: int) -> tuple[tuple[int, int], ...]:
    """Lengths in characters of input and output of a steady sample."""
    rows = reads.rows(
        sample_statement(
            window.project_id, received=window.received, filters=window.filters, roots=window.roots, limit=limit
        )
    )
    return tuple((int(given), int(answered)) for given, answered in rows)


def scores_known(reads: Reads, project_id: int, ids: Sequence[str]) -> frozenset[str]:
    """Which of these scores are in the store already; one that was taken back is."""
    if not ids:
        return frozenset()
    return frozenset(str(row[0]) for row in reads.rows(known_scores_statement(project_id, ids)))


def rule_scores_read(reads: Reads, project_id: int, *, since: datetime) -> dict[str, RuleScores]:
    """What each rule's scores since then amount to, by its public id."""
    rows = reads.rows(rule_scores_statement(project_id, since=since))
    return {
        rule: RuleScores(rule, count, judged, mean if judged else None, last, text, at)
        for rule, count, judged, mean, last, text, at in rows
    }


@dataclass(frozen=True, slots=True)
class _Amounts:
    documents: tuple[str, ...]
    cost_usd: Decimal | None
    input_tokens: int | None
    output_tokens: int | None


def _amounts(reads: Reads, project_id: int, trace_ids: tuple[str, ...]) -> dict[str, _Amounts]:
    extents = reads.rows(extent_statement(project_id, trace_ids))
    if not extents:
        return {}
    first, last = min(row[1] for row in extents), max(row[2] for row in extents)
    statement = amounts_statement(project_id, trace_ids, first=first, last=last, most_documents=_MOST_DOCUMENTS)
    found = {}
    for trace_id, documents, cost, unpriced, billable, tokens_in, tokens_out in reads.rows(statement):
        known = billable and not unpriced
        found[trace_id] = _Amounts(
            tuple(documents),
            Decimal(cost) if known else None,
            tokens_in if billable else None,
            tokens_out if billable else None,
        )
    return found


def _with(row: SubjectRow, amounts: _Amounts | None, *, whole: bool) -> SubjectRow:
    if amounts is None:
        return row
    if not whole:
        return replace(row, documents=amounts.documents)
    return replace(
        row, documents=amounts.documents, cost_usd=amounts.cost_usd, input_tokens=amounts.input_tokens,
        output_tokens=amounts.output_tokens,
    )  # fmt: skip


def _row(row: Sequence[Any]) -> SubjectRow:
    values = dict(zip(SUBJECT_COLUMNS, row, strict=True))
    for name in ("duration", "ttft"):
        values[name] = None if values[name] is None else values[name] / 1e6
    return SubjectRow(**values)
