"""Queries become plans: which table, which buckets, cut where. No store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from apps.analytics.plan import TIME, Plan, Source, bucket_starts, plan_query, width_for
from apps.analytics.query import Field, Filter, Query, TimeRange
from apps.analytics.sql.aggregate import aggregate_statement
from apps.analytics.sql.metrics import LATENCY_METRICS, METRICS

NOON = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


def query(length: timedelta, **more: object) -> Query:
    """The time until noon."""
    return Query(project_id=1, range=TimeRange(NOON - length, NOON), metrics=("cost",), **more)  # type: ignore[arg-type]


def laid(plan: Plan) -> dict[str, tuple[TimeRange, ...]]:
    """What is read from which table."""
    return {tile.level.table: tile.ranges for tile in plan.tiles}


@pytest.mark.parametrize(
    ("length", "label"),
    [
        (timedelta(minutes=30), "minute"),
        (timedelta(hours=6), "5 minutes"),
        (timedelta(hours=12), "15 minutes"),
        (timedelta(hours=24), "30 minutes"),
        (timedelta(days=4), "hour"),
        (timedelta(days=7), "6 hours"),
        (timedelta(days=30), "day"),
        (timedelta(days=365), "week"),
        (timedelta(days=3000), "month"),
    ],
)
def test_buckets_fit_the_length_of_the_range(length: timedelta, label: str) -> None:
    assert width_for(TimeRange(NOON - length, NOON)).label == label


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("days", [0.02, 0.2, 0.5, 1, 3, 10, 60, 300, 2000])
def test_buckets_cover_the_range_without_gap(zone: str, days: float) -> None:
    time_range = TimeRange(NOON - timedelta(days=days), NOON)
    starts = bucket_starts(time_range, width=width_for(time_range), zone=zone)
    assert starts[0] <= time_range.start < starts[1]
    assert starts[-1] < time_range.end
    assert all(first < second for first, second in pairwise(starts))
    assert len(starts) <= 122


def test_a_day_begins_at_local_midnight_also_when_the_clock_is_changed() -> None:
    zone = ZoneInfo("America/New_York")
    time_range = TimeRange(datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))
    starts = bucket_starts(time_range, width=width_for(time_range), zone="America/New_York")
    assert {start.astimezone(zone).hour for start in starts} == {0}
    lengths = {second - first for first, second in pairwise(starts)}
    assert lengths == {timedelta(hours=24), timedelta(hours=23)}


def test_what_rollups_know_is_read_from_them_and_the_rest_from_spans() -> None:
    assert plan_query(query(timedelta(days=7))).source is Source.ROLLUP
    for field in (Field.MODEL, Field.PROVIDER, Field.KIND, Field.ENVIRONMENT, Field.SOURCE):
        assert plan_query(query(timedelta(days=7), filters=(Filter(field, ("x",)),))).source is Source.ROLLUP
    for field in (Field.USER, Field.TAG, Field.STATUS, Field.SESSION):
        assert plan_query(query(timedelta(days=7), filters=(Filter(field, ("x",)),))).source is Source.SPANS
    assert plan_query(query(timedelta(days=7), text="refund")).source is Source.SPANS
    assert plan_query(query(timedelta(days=7), dimensions=("user",))).source is Source.SPANS
    assert plan_query(replace(query(timedelta(days=7)), metrics=("users",))).source is Source.SPANS


def test_latency_has_a_table_of_its_own_unless_a_filter_asks_for_more() -> None:
    latency = replace(query(timedelta(days=30)), metrics=LATENCY_METRICS)
    assert set(laid(plan_query(latency))) == {"latency_by_six_hours"}
    assert set(laid(plan_query(replace(latency, dimensions=(TIME, "model"))))) == {"latency_by_six_hours"}
    filtered = replace(latency, filters=(Filter(Field.ENVIRONMENT, ("prod",)),))
    assert set(laid(plan_query(filtered))) == {"usage_by_hour"}


def test_whole_hours_come_from_hours_and_the_ends_from_minutes() -> None:
    ragged = TimeRange(NOON - timedelta(days=3, minutes=20, seconds=5), NOON + timedelta(minutes=7))
    assert laid(plan_query(query(timedelta()).over(ragged))) == {
        "usage_by_hour": (TimeRange(NOON - timedelta(days=3), NOON),),
        "usage_by_minute": (
            TimeRange(NOON - timedelta(days=3, minutes=21), NOON - timedelta(days=3)),
            TimeRange(NOON, NOON + timedelta(minutes=7)),
        ),
    }


def test_an_hour_that_a_local_midnight_cuts_is_read_by_the_minute() -> None:
    plan = plan_query(query(timedelta(days=30), dimensions=(TIME,), time_zone="Asia/Kolkata"))
    minutes = laid(plan)["usage_by_minute"]
    assert {(part.start.hour, part.start.minute, part.length) for part in minutes} == {(18, 0, timedelta(hours=1))}
    assert len(minutes) == 30


def test_a_local_midnight_takes_finer_steps_of_latency_around_it_alone() -> None:
    latency = replace(query(timedelta(days=30)), metrics=LATENCY_METRICS, dimensions=(TIME,), time_zone="Asia/Kolkata")
    tiles = laid(plan_query(latency))
    assert set(tiles) == {"latency_by_six_hours", "latency_by_half_hour"}  # half hours fit India as they are
    around = tiles["latency_by_half_hour"]
    assert {(part.start.hour, part.end.hour) for part in around} == {(18, 0)}
    assert len(around) == 30


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("days", [0.02, 0.3, 1, 7, 30, 100, 400])
@pytest.mark.parametrize("metrics", [("cost",), LATENCY_METRICS])
def test_every_minute_is_read_once_and_no_step_lies_in_two_buckets(
    zone: str, days: float, metrics: tuple[str, ...]
) -> None:
    end = NOON + timedelta(minutes=7, seconds=3)
    asked = replace(query(timedelta(days=days), dimensions=(TIME,), time_zone=zone), metrics=metrics)
    plan = plan_query(asked.over(TimeRange(end - timedelta(days=days), end)))
    parts = sorted((part for tile in plan.tiles for part in tile.ranges), key=lambda part: part.start)
    assert all(before.end == after.start for before, after in pairwise(parts))
    assert parts[0].start <= plan.query.range.start < parts[0].start + timedelta(minutes=1)
    assert parts[-1].end - timedelta(minutes=1) < plan.query.range.end <= parts[-1].end
    for tile in plan.tiles:
        for part in tile.ranges:
            assert part.start.timestamp() % tile.level.step.total_seconds() == 0
            assert part.end.timestamp() % tile.level.step.total_seconds() == 0
            cuts = [start for start in plan.starts if part.start < start < part.end]
            assert all(start.timestamp() % tile.level.step.total_seconds() == 0 for start in cuts)


@pytest.mark.parametrize("metric", METRICS)
def test_no_value_is_in_the_text_of_a_statement(metric: str) -> None:
    evil = "'; DROP TABLE spans --"
    asked = replace(
        query(timedelta(days=7), filters=tuple(Filter(field, (evil,)) for field in Field), text=evil), metrics=(metric,)
    )
    statement = aggregate_statement(plan_query(asked), tag="test")
    assert evil not in statement.sql
    assert any(evil in value for value in statement.values.values() if isinstance(value, tuple | list))
