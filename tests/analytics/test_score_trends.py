"""Scores beside their spans, against the real engine: what a page or a rule says is what was judged."""

import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest

from apps.analytics.parse import QueryError
from apps.analytics.query import Field, Filter, Query, TimeRange
from apps.analytics.run import Reads
from apps.analytics.score_trends import score_series, score_trend, worst_scores
from apps.analytics.scores import score_names
from ingestion.records import ScoreRecord, SpanKind, SpanRecord
from tests.rows import Bench, call_at, nanoseconds, score_at, span_at

MINUTE = timedelta(minutes=1)
NAME = "groundedness"


@pytest.fixture
def reads(bench: Bench) -> Reads:
    """The executor over the test store."""
    return Reads(bench.store.reader)


def day(bench: Bench, now: datetime, **more: Any) -> Query:
    """The last 24 hours."""
    return Query(project_id=bench.project_id, range=TimeRange(now - timedelta(days=1), now), **more)


def judge(span: SpanRecord, at: datetime, value: float | None, **more: Any) -> ScoreRecord:
    """A score of a span."""
    given = {"name": NAME, "trace_id": span.trace_id, "span_id": span.span_id, "session_id": ""} | more
    return score_at(at, value=value, **given)  # type: ignore[arg-type]


def test_a_score_is_told_by_what_its_span_was(bench: Bench, reads: Reads, now: datetime) -> None:
    at = now - 60 * MINUTE
    good = call_at(at, model="a", cost="0.5", user_id="u1", service="web", prompt_name="p", prompt_version="1")
    bad = call_at(at, model="b", cost="0.25", user_id="u2", service="job", properties={"feature": "search"})
    bench.spans(good, bad, call_at(at, model="unjudged"))
    version = {"evaluator": "groundedness", "evaluator_version": "1.2"}
    bench.scores(
        judge(good, at, 0.9, **version),
        judge(good, at, 0.7, **version),
        judge(bad, at + MINUTE, 0.1, comment="made up", **version),
        judge(bad, at + MINUTE, None, **version),
        judge(bad, at, 0.0, name="other"),
    )
    found = score_trend(reads, day(bench, now), NAME)
    assert (found.totals.count, found.totals.no_verdict, found.data_type) == (4, 1, "number")
    assert found.totals.mean == pytest.approx((0.9 + 0.7 + 0.1) / 3)
    assert (found.totals.least, found.totals.most) == (0.1, 0.9)
    assert [(one.group, one.numbers.count, one.cost) for one in found.groups] == [
        ("a", 2, Decimal("0.5")),
        ("b", 2, Decimal("0.25")),
    ]
    assert [one.numbers.mean for one in found.groups] == [pytest.approx(0.8), pytest.approx(0.1)]
    assert [value for value in found.groups[0].means if value is not None] == [pytest.approx(0.8)]
    assert sum(bucket.count for bucket in found.series) == 4
    assert [(one.lower, one.count) for one in found.bins if one.count] == [
        (pytest.approx(0.1), 1),
        (pytest.approx(0.7), 1),
        (pytest.approx(0.9), 1),
    ]
    assert len(found.bins) == 20
    assert [(one.value, one.comment, one.model) for one in found.worst] == [
        (0.1, "made up", "b"),
        (0.7, "", "a"),
        (0.9, "", "a"),
    ]
    assert [(one.model, one.count, one.cost) for one in found.costs] == [
        ("a", 2, Decimal("0.5")),
        ("b", 1, Decimal("0.25")),
    ]
    for by, groups in {
        "user": {"u1", "u2"},
        "service": {"web", "job"},
        "feature": {"", "search"},
        "prompt_version": {"p 1", ""},
        "evaluator_version": {"groundedness 1.2"},
    }.items():
        assert {one.group for one in score_trend(reads, day(bench, now), NAME, by=by).groups} == groups, by


def test_filters_are_those_of_the_spans(bench: Bench, reads: Reads, now: datetime) -> None:
    at = now - 60 * MINUTE
    spans = [call_at(at, model=model, tags=(model,), environment=model) for model in ("a", "b")]
    bench.spans(*spans)
    bench.scores(judge(spans[0], at, 1.0), judge(spans[1], at, 0.0, source="human"))
    for field in (Field.MODEL, Field.TAG, Field.ENVIRONMENT):
        for negated, mean in ((False, 1.0), (True, 0.0)):
            only = (Filter(field, ("a",), negated),)
            assert score_trend(reads, day(bench, now, filters=only), NAME).totals.mean == mean, (field, negated)
    human = (Filter(Field.SOURCE, ("human",)),)
    assert score_trend(reads, day(bench, now, filters=human), NAME, by="source").totals.mean == 0.0
    with pytest.raises(QueryError, match="status is not a filter"):
        score_trend(reads, day(bench, now, filters=(Filter(Field.STATUS, ("ok",)),)), NAME)
    with pytest.raises(QueryError, match="by='colour' is not accepted"):
        score_trend(reads, day(bench, now), NAME, by="colour")


def test_a_trace_is_known_by_its_last_call_and_costs_what_all_cost(bench: Bench, reads: Reads, now: datetime) -> None:
    at = now - 3 * 24 * 60 * MINUTE  # judged days later, by a person
    root = span_at(at, kind=SpanKind.CHAIN, user_id="u1", seconds=9)
    calls = [
        call_at(at + number * MINUTE, model=model, cost="0.1", trace=root.trace_id, parent_span_id=root.span_id)
        for number, model in enumerate(("small", "large"))
    ]
    bench.spans(root, *calls)
    bench.scores(judge(root, now - MINUTE, 0.5, span_id=""), judge(root, now - MINUTE, 0.5))
    (group,) = score_trend(reads, day(bench, now), NAME).groups
    assert (group.group, group.numbers.count, group.cost) == ("large", 2, Decimal("0.2"))


def test_corrections_count_once_and_what_was_taken_back_not_at_all(bench: Bench, reads: Reads, now: datetime) -> None:
    at = now - 60 * MINUTE
    span = call_at(at)
    bench.spans(span)

    def version(score_id: str, value: float, later: int, **more: Any) -> ScoreRecord:
        made = judge(span, at, value, id=score_id)
        fields = {name: getattr(made, name) for name in ("id", "trace_id", "span_id", "session_id")}
        return ScoreRecord(
            **{
                "project_id": 0, "name": NAME, "data_type": "number", "value": value,
                "timestamp_ns": made.timestamp_ns, "received_ns": made.received_ns,
                "updated_ns": nanoseconds(at + later * MINUTE), **fields, **more,
            }
        )  # fmt: skip

    bench.scores(version("x", 0.1, 0), version("y", 0.2, 0), version("z", 0.3, 0))
    bench.scores(version("x", 0.9, 1), version("y", 0.2, 1, deleted=True), version("z", 0.3, 1, name="renamed"))
    found = score_trend(reads, day(bench, now), NAME)
    assert (found.totals.count, found.totals.mean) == (1, 0.9)
    assert [one.value for one in found.worst] == [0.9]
    (series,) = score_series(
        reads, day(bench, now, metrics=("score_count",)), NAME, origin=now - timedelta(days=1), step=timedelta(days=1)
    )
    assert [(one.value, one.samples) for one in series.samples] == [(1.0, 1)]


def test_booleans_are_shares_and_categories_are_counted(bench: Bench, reads: Reads, now: datetime) -> None:
    at = now - 60 * MINUTE
    span = call_at(at)
    bench.spans(span)
    bench.scores(*(judge(span, at, float(one), data_type="boolean") for one in (1, 1, 1, 0)))
    kinds = {"name": "tone", "data_type": "category"}
    bench.scores(*(judge(span, at, None, text_value=one, **kinds) for one in ("kind", "kind", "rude", "")))
    flags = score_trend(reads, day(bench, now), NAME)
    assert [(one.category, one.count, one.share) for one in flags.categories] == [("true", 3, 0.75), ("false", 1, 0.25)]
    assert flags.bins == ()
    tone = score_trend(reads, day(bench, now), "tone")
    assert [(one.category, one.count) for one in tone.categories] == [("kind", 2), ("rude", 1)]
    assert (tone.totals.count, tone.totals.no_verdict, tone.totals.mean) == (4, 1, None)
    assert [one for one in tone.categories[0].shares if one is not None] == [pytest.approx(2 / 3)]


def test_nothing_judged_is_nothing_known(bench: Bench, reads: Reads, now: datetime) -> None:
    found = score_trend(reads, day(bench, now), "never")
    assert (found.totals.count, found.totals.mean, found.groups, found.worst) == (0, None, (), ())
    assert all(bucket.mean is None for bucket in found.series)


def test_the_worst_are_the_lowest_the_newest_first_or_the_highest(bench: Bench, reads: Reads, now: datetime) -> None:
    at = now - 60 * MINUTE
    span = call_at(at)
    bench.spans(span)
    bench.scores(*(judge(span, at + n * MINUTE, v, id=f"s{n}") for n, v in enumerate((0.2, 0.2, 0.9, None))))
    query = day(bench, now)
    assert [one.id for one in worst_scores(reads, query, NAME)] == ["s1", "s0", "s2"]
    assert [one.id for one in worst_scores(reads, query, NAME, highest=True)] == ["s2", "s1", "s0"]
    assert [one.id for one in worst_scores(reads, query, NAME, failed=True)] == ["s3"]


def test_a_series_by_group_has_the_mean_and_what_stands_behind_it(bench: Bench, reads: Reads, now: datetime) -> None:
    origin = now - timedelta(hours=2)
    spans = [call_at(origin, model=model) for model in ("a", "b")]
    bench.spans(*spans)
    bench.scores(
        *(judge(spans[0], origin + n * 10 * MINUTE, n / 10) for n in range(12)),
        judge(spans[1], origin + MINUTE, None),
    )
    query = Query(project_id=bench.project_id, range=TimeRange(origin, now), metrics=("score",), dimensions=("model",))
    a, b = score_series(reads, query, NAME, origin=origin, step=timedelta(hours=1))
    assert (a.group, [(one.value, one.samples) for one in a.samples]) == (
        ("a",),
        [(pytest.approx(0.25), 6), (pytest.approx(0.85), 6)],
    )
    assert (b.group, [(one.value, one.samples) for one in b.samples]) == (("b",), [(None, 0)])
    parts = [TimeRange(origin, origin + 20 * MINUTE), TimeRange(now - 20 * MINUTE, now)]
    first, _ = score_series(reads, query, NAME, origin=origin, step=timedelta(hours=1), parts=parts)
    assert [one.samples for one in first.samples] == [2, 2]


def test_more_scores_than_can_be_led_back_are_counted_and_said(bench: Bench, reads: Reads, now: datetime) -> None:
    spans = [call_at(now - number * MINUTE, model=f"m{number}") for number in range(1, 6)]
    bench.spans(*spans)
    bench.scores(*(judge(span, now - at * MINUTE, at / 10) for at, span in enumerate(spans, start=1)))
    assert not score_trend(reads, day(bench, now), NAME).limited
    with (
        mock.patch("apps.analytics.sql.judged.MOST_SCORES", 2),
        mock.patch("apps.analytics.score_trends.MOST_SCORES", 2),
    ):
        found = score_trend(reads, day(bench, now), NAME)
    assert found.limited
    assert (found.totals.count, found.totals.mean) == (5, pytest.approx(0.3))
    assert {one.group for one in found.groups} == {"m1", "m2"}, "the newest"


def test_other_projects_are_other_worlds(bench: Bench, reads: Reads, now: datetime) -> None:
    at = now - 60 * MINUTE
    span = call_at(at, model="theirs", cost="5")
    other = Bench(bench.store, secrets.randbelow(2**52) + 1)
    other.spans(span)
    other.scores(judge(span, at, 0.0))
    bench.scores(judge(span, at, 1.0))  # the same trace id here
    found = score_trend(reads, day(bench, now), NAME)
    assert (found.totals.count, found.totals.mean) == (1, 1.0)
    assert [(one.group, one.cost) for one in found.groups] == [("", None)]


def test_names_are_listed_with_what_they_amount_to(bench: Bench, reads: Reads, now: datetime) -> None:
    at = now - 60 * MINUTE
    span = call_at(at)
    bench.spans(span)
    bench.scores(judge(span, at, 0.25), judge(span, at, 0.75), judge(span, at, None))
    (found,) = score_names(reads, day(bench, now))
    assert (found.name, found.count, found.no_verdict, found.mean) == (NAME, 3, 1, 0.5)
    assert [value for value in found.means if value is not None] == [0.5]
