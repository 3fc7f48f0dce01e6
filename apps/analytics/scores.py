"""Scores: lists, one, those of a trace, what each name amounts to. Holds no SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.analytics.cursor import cursor_pack, cursor_unpack
from apps.analytics.parse import QueryError
from apps.analytics.plan import bucket_starts, width_for
from apps.analytics.query import Page, Query
from apps.analytics.run import Reads
from apps.analytics.spans import EPOCH
from apps.analytics.sql.scores import (
    SCORE_COLUMNS,
    SCORE_FIELDS,
    score_courses_statement,
    score_names_statement,
    score_statement,
    scores_statement,
    trace_has_scores,
    trace_scores,
)
from apps.analytics.statement import micros

__all__ = [
    "SCORE_FILTERS",
    "ScoreName",
    "ScorePage",
    "ScoreRow",
    "score_detail",
    "score_list",
    "score_names",
    "scores_of_trace",
]

SCORE_FILTERS = frozenset(field.value for field in SCORE_FIELDS)
_MOST_OF_TRACE = 1000
_MOST_NAMES = 200
_MOST_POINTS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One judgement. `value` is null for a category or text, and when the evaluation failed."""

    id: str
    trace_id: str
    span_id: str
    session_id: str
    name: str
    data_type: str
    value: float | None
    text_value: str
    source: str
    author: str
    comment: str
    evaluator: str
    evaluator_version: str
    environment: str
    metadata: Mapping[str, str]
    cost_usd: Decimal | None
    timestamp: datetime
    received_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ScorePage:
    """Newest first."""

    rows: tuple[ScoreRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ScoreName:
    """What the scores of one name and type amount to. `no_verdict` counts evaluations that failed. `counts` and
    `means` are its course in even steps of the range.
    """

    name: str
    data_type: str
    count: int
    no_verdict: int
    mean: float | None
    least: float | None
    most: float | None
    last: datetime
    counts: tuple[int, ...]
    means: tuple[float | None, ...]


def score_list(reads: Reads, query: Query, page: Page) -> ScorePage:
    """Scores given in the range, newest first."""
    _check(query)
    before = None
    if page.cursor:
        at, score_id = cursor_unpack("scores", page.cursor, int, str)
        before = (EPOCH + timedelta(milliseconds=min(max(at, 0), 2**43)), score_id)
    found = reads.rows(scores_statement(query, limit=page.limit + 1, before=before))
    rows = tuple(_row(row) for row in found[: page.limit])
    more = len(found) > page.limit
    return ScorePage(rows, cursor_pack("scores", micros(rows[-1].timestamp) // 1000, rows[-1].id) if more else None)


def score_detail(reads: Reads, project_id: int, score_id: str) -> ScoreRow | None:
    """One score, or None when there is none or it was taken back."""
    rows = reads.rows(score_statement(project_id, score_id))
    return _row(rows[0]) if rows else None


def scores_of_trace(reads: Reads, project_id: int, trace_id: str, session_id: str = "") -> tuple[ScoreRow, ...]:
    """Scores of the trace, of its spans and, where it has one, of its session."""
    if not reads.rows(trace_has_scores(project_id, trace_id, session_id))[0][0]:
        return ()
    return tuple(_row(row) for row in reads.rows(trace_scores(project_id, trace_id, session_id, limit=_MOST_OF_TRACE)))


def score_names(reads: Reads, query: Query) -> tuple[ScoreName, ...]:
    """What each name amounts to in the range, the most used first."""
    _check(query)
    starts = bucket_starts(query.range, width=width_for(query.range), zone=query.time_zone)
    found, courses = reads.together(
        score_names_statement(query, limit=_MOST_NAMES), score_courses_statement(query, starts, limit=_MOST_POINTS)
    )
    counts: dict[tuple[str, str], list[int]] = {}
    means: dict[tuple[str, str], list[float | None]] = {}
    for name, kind, at, count, mean in courses:
        counts.setdefault((name, kind), [0] * len(starts))[at] = count
        means.setdefault((name, kind), [None] * len(starts))[at] = mean
    return tuple(
        ScoreName(
            name, kind, count, failed, None if least is None else mean, least, most, last,
            tuple(counts.get((name, kind), ())), tuple(means.get((name, kind), ())),
        )
        for name, kind, count, failed, mean, least, most, last in found
    )  # fmt: skip


def _check(query: Query) -> None:
    if query.text:
        raise QueryError("q", "q does not search scores", "name, trace, session, source or environment")
    for condition in query.filters:
        if condition.field not in SCORE_FIELDS:
            raise QueryError(
                condition.field.value,
                f"{condition.field.value} is not a filter of scores",
                ", ".join(field.value for field in SCORE_FIELDS),
            )


def _row(row: Sequence[Any]) -> ScoreRow:
    return ScoreRow(**dict(zip(SCORE_COLUMNS, row, strict=True)))
