"""The scores of one name: over time, by group, by value, the worst of them, and beside what was paid. Holds no SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.analytics.parse import QueryError
from apps.analytics.plan import bucket_starts, width_for
from apps.analytics.query import Query, TimeRange
from apps.analytics.run import Reads
from apps.analytics.series import GroupSeries, series_from
from apps.analytics.sql.judged import FILTERED, MOST_SCORES, SCORE_BY
from apps.analytics.sql.score_trends import (
    bins_statement,
    categories_statement,
    comments_statement,
    costs_statement,
    groups_statement,
    score_series_statement,
    totals_statement,
    worst_scores_statement,
)

__all__ = [
    "CategoryLine",
    "CostPoint",
    "ScoreBin",
    "ScoreBucket",
    "ScoreGroup",
    "ScoreNumbers",
    "ScoreTrend",
    "WorstScore",
    "score_series",
    "score_trend",
    "worst_scores",
]

BINS = 20
_MOST_GROUPS = 50
_MOST_LINES = 7  # of groups whose course is told too
_MOST_ROWS = 6000
_MOST_CATEGORIES = 20
_MOST_MODELS = 50
_MOST_WORST = 20
_CATEGORICAL = frozenset({"category", "text"})


@dataclass(frozen=True, slots=True)
class ScoreNumbers:
    """`no_verdict` are evaluations that failed; mean, least and most are of the others, None where none is a number.

    The mean of booleans is the share that is true.
    """

    count: int
    no_verdict: int
    mean: float | None
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class ScoreBucket:
    """One step of time."""

    start: datetime
    count: int
    no_verdict: int
    mean: float | None


@dataclass(frozen=True, slots=True)
class ScoreGroup:
    """One group of the breakdown. `cost` is per judged call of known price; `means` is its course, for the largest."""

    group: str
    numbers: ScoreNumbers
    cost: Decimal | None
    means: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """How many values lie from `lower` (in) to `upper` (out; the last one's is in)."""

    lower: float
    upper: float
    count: int


@dataclass(frozen=True, slots=True)
class CategoryLine:
    """A category: how often it was given, its share of the verdicts, and that in each bucket (None: no verdict)."""

    category: str
    count: int
    share: float
    shares: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstScore:
    """One example: the verdict, why, and what it is about."""

    id: str
    trace_id: str
    span_id: str
    session_id: str
    timestamp: datetime
    value: float | None
    category: str
    model: str
    user_id: str
    trace_name: str
    evaluator: str
    comment: str


@dataclass(frozen=True, slots=True)
class CostPoint:
    """A model: its mean score and what a judged call cost on the average, of those whose price is known."""

    model: str
    provider: str
    count: int
    mean: float
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTrend:
    """Everything about one name in a range. `width_seconds` is that of a bucket; `limited` says that only the newest
    scores of the range were looked at.
    """

    name: str
    data_type: str
    by: str
    width_seconds: int
    totals: ScoreNumbers
    series: tuple[ScoreBucket, ...]
    groups: tuple[ScoreGroup, ...]
    bins: tuple[ScoreBin, ...]
    categories: tuple[CategoryLine, ...]
    worst: tuple[WorstScore, ...]
    costs: tuple[CostPoint, ...]
    limited: bool


def score_trend(reads: Reads, query: Query, name: str, *, by: str = "model", highest: bool = False) -> ScoreTrend:
    """Read it all: the totals first, since they say what kind of scores these are; then the rest side by side."""
    _check(query, name, by)
    width = width_for(query.range)
    starts = bucket_starts(query.range, width=width, zone=query.time_zone)
    totals, series, data_type = _totals(reads.rows(totals_statement(query, name, starts)), starts)
    low, size = _grid(totals)
    groups, bins, categories, worst, costs = reads.together(
        groups_statement(query, name, by, starts, limit=_MOST_ROWS),
        bins_statement(query, name, low=low, width=size, bins=BINS),
        categories_statement(query, name, starts, limit=_MOST_ROWS),
        worst_scores_statement(query, name, highest=highest, failed=False, limit=_MOST_WORST),
        costs_statement(query, name, limit=_MOST_MODELS),
    )
    return ScoreTrend(
        name=name,
        data_type=data_type,
        by=by,
        width_seconds=width.seconds,
        totals=totals,
        series=series,
        groups=_groups(groups, len(starts)),
        bins=_bins(bins, totals, data_type, low=low, size=size),
        categories=_categories(categories, totals, series, data_type),
        worst=_worst(reads, query, worst),
        costs=tuple(
            CostPoint(model, provider, count, mean, Decimal(cost) / priced)
            for model, provider, count, mean, cost, priced in costs
        ),
        limited=totals.count >= MOST_SCORES,
    )


def worst_scores(
    reads: Reads, query: Query, name: str, *, highest: bool = False, failed: bool = False, limit: int = _MOST_WORST
) -> tuple[WorstScore, ...]:
    """The lowest (or highest) verdicts, or with `failed` the newest evaluations that gave none."""
    _check(query, name, "model")
    statement = worst_scores_statement(query, name, highest=highest, failed=failed, limit=limit)
    return _worst(reads, query, reads.rows(statement))


def score_series(
    reads: Reads,
    query: Query,
    name: str,
    *,
    origin: datetime,
    step: timedelta,
    parts: Sequence[TimeRange] = (),
    tag: str = "scores.series",
) -> tuple[GroupSeries, ...]:
    """`query.metrics[0]`, one of SCORE_METRICS, by `query.dimensions` in steps counted from `origin`."""
    _check(query, name, *query.dimensions)
    statement = score_series_statement(
        query, name, parts or (query.range,), origin=origin, step=int(step.total_seconds()), tag=tag
    )
    return series_from(reads.rows(statement), len(query.dimensions), origin=origin, step=step)


def _check(query: Query, name: str, *dimensions: str) -> None:
    if not name or len(name) > 200 or "\x00" in name:
        raise QueryError("name", f"name={name[:60]!r} is no name of a score", "1 to 200 characters")
    if query.text:
        raise QueryError("q", "q does not search scores", "filters such as model or user")
    for dimension in dimensions:
        if dimension not in SCORE_BY:
            raise QueryError("by", f"by={dimension[:60]!r} is not accepted", "one of " + ", ".join(SCORE_BY))
    for condition in query.filters:
        if condition.field not in FILTERED:
            raise QueryError(
                condition.field.value,
                f"{condition.field.value} is not a filter of a score's trend",
                ", ".join(field.value for field in FILTERED),
            )


def _totals(
    rows: Sequence[Sequence[Any]], starts: Sequence[datetime]
) -> tuple[ScoreNumbers, tuple[ScoreBucket, ...], str]:
    totals, data_type = ScoreNumbers(0, 0, None, None, None), ""
    buckets = [ScoreBucket(start, 0, 0, None) for start in starts]
    for whole, at, *numbers, kinds in rows:
        found = _numbers(numbers)
        if whole:
            totals, data_type = found, kinds[0] if kinds else ""
        else:
            buckets[at] = ScoreBucket(starts[at], found.count, found.no_verdict, found.mean)
    return totals, tuple(buckets), data_type


def _numbers(row: Sequence[Any]) -> ScoreNumbers:
    count, failed, known, mean, least, most = row
    return ScoreNumbers(count, failed, mean if known else None, least, most)


def _grid(totals: ScoreNumbers) -> tuple[float, float]:
    """Where the first bin begins, and how wide one is. What lies in 0 to 1 is shown in 0 to 1."""
    low, high = totals.least, totals.most
    if low is None or high is None or (low >= 0 and high <= 1):
        low, high = 0.0, 1.0
    return low, (high - low) / BINS or 1.0


def _groups(rows: Sequence[Sequence[Any]], width: int) -> tuple[ScoreGroup, ...]:
    wholes = [row for row in rows if row[0]][:_MOST_GROUPS]
    courses: dict[str, list[float | None]] = {row[1]: [None] * width for row in wholes[:_MOST_LINES]}
    for whole, group, at, *numbers, _, _ in rows:
        if not whole and group in courses:
            courses[group][at] = _numbers(numbers).mean
    return tuple(
        ScoreGroup(group, _numbers(numbers), Decimal(cost) / priced if priced else None, tuple(courses.get(group, ())))
        for _, group, _, *numbers, cost, priced in wholes
    )


def _bins(
    rows: Sequence[Sequence[Any]], totals: ScoreNumbers, data_type: str, *, low: float, size: float
) -> tuple[ScoreBin, ...]:
    if totals.mean is None or data_type in {*_CATEGORICAL, "boolean"}:
        return ()
    counts: dict[int, int] = {int(at): int(count) for at, count in rows}
    return tuple(ScoreBin(low + at * size, low + (at + 1) * size, counts.get(at, 0)) for at in range(BINS))


def _categories(
    rows: Sequence[Sequence[Any]], totals: ScoreNumbers, series: Sequence[ScoreBucket], data_type: str
) -> tuple[CategoryLine, ...]:
    if data_type == "boolean" and totals.mean is not None:
        verdicts, share = totals.count - totals.no_verdict, totals.mean
        yes = round(verdicts * share)
        means = tuple(bucket.mean for bucket in series)
        no = tuple(None if mean is None else 1 - mean for mean in means)
        return CategoryLine("true", yes, share, means), CategoryLine("false", verdicts - yes, 1 - share, no)
    if data_type not in _CATEGORICAL:
        return ()
    given = [bucket.count - bucket.no_verdict for bucket in series]
    found: dict[str, tuple[int, list[int]]] = {}
    for whole, category, at, count in rows:
        if whole and len(found) < _MOST_CATEGORIES:
            found[category] = (count, [0] * len(series))
        elif not whole and category in found:
            found[category][1][at] = count
    all_given = sum(given)
    return tuple(
        CategoryLine(
            category,
            count,
            count / all_given if all_given else 0.0,
            tuple(one / of if of else None for one, of in zip(course, given, strict=True)),
        )
        for category, (count, course) in found.items()
    )


def _worst(reads: Reads, query: Query, rows: Sequence[Sequence[Any]]) -> tuple[WorstScore, ...]:
    if not rows:
        return ()
    comments = dict(reads.rows(comments_statement(query.project_id, [row[0] for row in rows], query.range)))
    return tuple(
        WorstScore(
            id=score_id, trace_id=trace_id, span_id=span_id, session_id=session_id, timestamp=at, value=value,
            category=category, model=model, user_id=user, trace_name=trace_name, evaluator=evaluator,
            comment=comments.get(score_id, ""),
        )
        for score_id, trace_id, span_id, session_id, at, value, category, model, user, trace_name, evaluator in rows
    )  # fmt: skip
