"""Conditions on series: what breaches, what does not, and what nobody can say. Missing is never zero."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.alerts.backtest import backtest
from apps.alerts.detectors import DETECTORS, Verdict
from apps.alerts.detectors.tails import count_score, share_score, student_score, wilson
from apps.alerts.detectors.wall_clock import shifted
from apps.alerts.fields import Fields
from apps.alerts.series import MetricKind, Point, Series, number_or_missing
from apps.alerts.spec import spec_from
from apps.alerts.state import Outcome
from apps.api.rule_error import RuleError
from bench.detectors import ANOMALIES, HISTORY, QUIET, START, generated, measured

NOON = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def series_of(values: Sequence[float | None], *, kind: MetricKind = MetricKind.SUM, weight: int | None = 100) -> Series:
    """Points of five minutes that end at noon."""
    first = NOON - FIVE * len(values)
    points = tuple(
        Point(first + FIVE * at, number_or_missing(value), None if value is None else weight)
        for at, value in enumerate(values)
    )
    return Series(step=FIVE, points=points, kind=kind)


def verdict(condition: dict[str, Any], series: Series) -> Verdict:
    """What a condition says of the last point."""
    kind = condition["type"]
    detector = DETECTORS[kind].read(
        Fields({name: value for name, value in condition.items() if name != "type"}), metric=series.kind
    )
    return next(iter(detector.verdicts(series, [len(series.points) - 1])))


@pytest.mark.parametrize(
    ("value", "outcome"), [(11.0, "breached"), (10.0, "held"), (8.5, "held"), (8.0, "clear"), (0.0, "clear")]
)
def test_a_threshold_has_a_way_back_of_its_own(value: float, outcome: str) -> None:
    found = verdict({"type": "threshold", "above": 10, "recover": 8}, series_of([value]))
    assert found.outcome == outcome
    assert found.upper == 10


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "condition",
    [
        {"type": "threshold", "below": 10},
        {"type": "change", "direction": "down"},
        {"type": "anomaly"},
        {"type": "burn_rate", "budget": 1},
    ],
)
def test_what_was_not_measured_is_not_zero(condition: dict[str, Any], value: float | None) -> None:
    assert verdict(condition, series_of([value])).outcome is Outcome.NO_DATA


@pytest.mark.parametrize("kind", list(MetricKind))
def test_one_point_is_too_little_for_an_anomaly(kind: MetricKind) -> None:
    found = verdict({"type": "anomaly"}, series_of([0.5], kind=kind))
    assert found.outcome is Outcome.UNSURE
    assert "too little history" in found.reason


def test_a_change_is_measured_against_the_window_before() -> None:
    assert verdict({"type": "change", "by": 0.5}, series_of([10, 16])).outcome is Outcome.BREACHED
    assert verdict({"type": "change", "by": 0.5}, series_of([10, 14])).outcome is Outcome.CLEAR
    assert verdict({"type": "change", "by": 0.5, "direction": "down"}, series_of([10, 4])).outcome is Outcome.BREACHED
    assert verdict({"type": "change", "by": 0.5}, series_of([None, 16])).outcome is Outcome.UNSURE
    # From nothing everything is infinitely more: only the smallest difference worth telling decides.
    assert verdict({"type": "change", "by": 0.5, "least": 5}, series_of([0, 3])).outcome is Outcome.CLEAR


def test_a_day_before_is_the_same_hour_on_the_wall_across_a_change_to_summer_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2026, 3, 29, 12, 0, tzinfo=berlin)  # clocks went ahead this morning
    assert noon.astimezone(UTC) - shifted(noon, days=-1, zone=berlin) == timedelta(hours=23)
    gap = shifted(datetime(2026, 3, 30, 2, 30, tzinfo=berlin), days=-1, zone=berlin)  # 2:30 did not exist
    assert gap == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    day = timedelta(hours=1)
    start = noon.astimezone(UTC) - timedelta(days=3)
    points = tuple(
        Point(start + day * at, 100.0 if (start + day * at).astimezone(berlin).hour == 12 else 1.0, 50)
        for at in range(73)
    )
    series = Series(step=day, points=points, kind=MetricKind.SUM, zone="Europe/Berlin")
    noon_at = next(at for at, point in enumerate(points) if point.start == noon.astimezone(UTC))
    change = DETECTORS["change"].read(Fields({"against": "day", "direction": "both"}), metric=MetricKind.SUM)
    assert next(iter(change.verdicts(series, [noon_at]))).baseline == 100.0


def test_a_burn_needs_both_of_its_windows() -> None:
    pairs = [{"long": "1h", "short": "10m", "factor": 10}]
    condition = {"type": "burn_rate", "budget": 720, "period": "30d", "windows": pairs}  # one an hour
    steady = [12 / 12] * 12
    assert verdict(condition, series_of(steady)).outcome is Outcome.BREACHED
    assert verdict(condition, series_of([*steady[:10], 0.0, 0.0])).outcome is Outcome.CLEAR  # over by now
    assert verdict(condition, series_of([0.0] * 10 + [2.0, 2.0])).outcome is Outcome.CLEAR  # a blip
    assert "12 times too fast over 1h" in verdict(condition, series_of(steady)).reason


def test_a_burn_of_failures_weighs_windows_by_their_calls() -> None:
    condition = {"type": "burn_rate", "budget": 0.01, "windows": [{"long": "1h", "short": "5m", "factor": 10}]}
    found = verdict(condition, series_of([0.2] * 12, kind=MetricKind.RATIO))
    assert found.outcome is Outcome.BREACHED
    assert found.value == pytest.approx(20)


def test_no_data_is_a_condition_too() -> None:
    assert verdict({"type": "no_data"}, series_of([None], kind=MetricKind.COUNT)).outcome is Outcome.BREACHED
    assert verdict({"type": "no_data"}, series_of([0.0], kind=MetricKind.COUNT, weight=0)).outcome is Outcome.BREACHED
    assert verdict({"type": "no_data"}, series_of([3.0], kind=MetricKind.COUNT)).outcome is Outcome.CLEAR


def test_a_flat_series_makes_no_ripple_an_anomaly() -> None:
    assert verdict({"type": "anomaly"}, series_of([5.0] * 40 + [5.4])).outcome is Outcome.CLEAR
    assert verdict({"type": "anomaly"}, series_of([5.0] * 40 + [25.0])).outcome is Outcome.BREACHED


def test_a_jump_of_fifty_times_is_one_also_where_history_is_short() -> None:
    chance = random.Random(3)
    history = [0.01 * math.exp(chance.gauss(0, 0.3)) for _ in range(13)]
    assert verdict({"type": "anomaly"}, series_of([*history, 0.5])).outcome is Outcome.BREACHED
    assert verdict({"type": "anomaly"}, series_of([*history, 0.02])).outcome is not Outcome.BREACHED


def test_half_of_the_history_may_be_wild() -> None:
    chance = random.Random(1)
    history = [chance.gauss(10, 0.3) if at % 5 else 400.0 for at in range(40)]
    assert verdict({"type": "anomaly", "direction": "up"}, series_of([*history, 60.0])).outcome is Outcome.BREACHED


def test_an_anomaly_looks_only_where_it_is_told() -> None:
    falls = series_of([10.0] * 40 + [0.5])
    assert verdict({"type": "anomaly", "direction": "up"}, falls).outcome is Outcome.CLEAR
    assert verdict({"type": "anomaly", "direction": "down"}, falls).outcome is Outcome.BREACHED


def test_a_user_who_seldom_costs_anything_is_unusual_only_beyond_what_was_usual() -> None:
    sparse = [0.4 if at % 9 == 0 else 0.0 for at in range(300)]
    assert verdict({"type": "anomaly"}, series_of([*sparse, 0.5])).outcome is not Outcome.BREACHED
    assert verdict({"type": "anomaly"}, series_of([*sparse, 6.0])).outcome is Outcome.BREACHED


def test_the_season_stays_where_people_live_when_clocks_change() -> None:
    # Busy from nine on the wall; on the first Monday after the change nine is an hour earlier in UTC.
    berlin, step = ZoneInfo("Europe/Berlin"), timedelta(minutes=15)
    start = datetime(2026, 3, 2, tzinfo=UTC)
    points = []
    for at in range(28 * 96 + 96):
        moment = start + step * at
        local = moment.astimezone(berlin)
        chance = random.Random(at)
        points.append(Point(moment, (100.0 if 9 <= local.hour < 17 else 10.0) * chance.uniform(0.95, 1.05), 50))
    spec = spec_from(
        {"metric": "cost", "window": "15m", "time_zone": "Europe/Berlin", "condition": {"type": "anomaly"}}
    )
    series = Series(step=step, points=tuple(points), kind=MetricKind.SUM, zone="Europe/Berlin")
    assert backtest(spec, series, start=start + timedelta(days=27)).episodes == ()


@pytest.mark.parametrize("kind", list(MetricKind))
def test_a_quiet_seasonal_week_raises_nothing(kind: MetricKind) -> None:
    found = measured(kind, QUIET, [0])
    assert found.alarms == 0


@pytest.mark.parametrize("anomaly", ANOMALIES, ids=lambda one: one.name)
def test_planted_anomalies_of_a_count_are_found(anomaly: Any) -> None:
    found = measured(MetricKind.COUNT, anomaly, [0])
    assert found.found == 1
    assert found.right * 2 >= found.alarms


def test_a_detector_never_sees_the_future() -> None:
    series, _, _ = generated(MetricKind.SUM, ANOMALIES[0], 3)
    spec = spec_from({"metric": "cost", "condition": {"type": "anomaly"}})
    indexes = range(len(series.points) - 900, len(series.points) - 880)
    whole = list(spec.verdicts(series, indexes))
    cut = Series(step=series.step, points=series.points[: indexes[-1] + 1], kind=series.kind)
    assert list(spec.verdicts(cut, indexes)) == whole
    assert series.points[0].start == START
    assert timedelta(days=28) == HISTORY


def test_tails_agree_with_what_a_table_says() -> None:
    assert count_score(13, mean=4, variance=4) == pytest.approx(3.46, abs=0.05)  # P(X >= 13) = 0.000274
    assert count_score(13, mean=4, variance=12) < 2.5  # wider than Poisson: less of a surprise
    assert count_score(4, mean=4, variance=4) == 0
    assert count_score(0, mean=20, variance=20) < -5
    assert count_score(10_000, mean=5_000, variance=5_000) == 40
    assert share_score(0, 50, base_hits=30, base_total=1000) > -1.5
    assert share_score(25, 50, base_hits=30, base_total=1000) > 8
    assert share_score(1, 0, base_hits=1, base_total=9) == 0
    assert student_score(5, freedom=1e6) == pytest.approx(5, abs=0.01)
    assert student_score(5, freedom=5) < 3
    assert wilson(0, 20, score=1.96) == pytest.approx((0, 0.161), abs=0.002)


def test_too_few_samples_say_nothing() -> None:
    spec = spec_from({"metric": "error_rate", "min_samples": 20, "condition": {"type": "threshold", "above": 0.1}})
    one = series_of([1.0], kind=MetricKind.RATIO, weight=3)
    found = next(iter(spec.verdicts(one, [0])))
    assert found.outcome is Outcome.UNSURE
    assert "3 samples" in found.reason


GOOD: dict[str, Any] = {"metric": "cost", "condition": {"type": "threshold", "above": 10}}


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"metric": "happiness"}, "metric", "'happiness'"),
        ({"window": "5 minutes"}, "window", "'5 minutes'"),
        ({"window": "90s"}, "window", "whole number of minutes"),
        ({"group_by": ["time"]}, "group_by", "'time'"),
        ({"filters": [{"field": "colour", "values": ["x"]}]}, "filters.0.field", "'colour'"),
        ({"filters": [{"field": "user", "values": []}]}, "filters.0.values", "[]"),
        ({"condition": {"type": "threshold"}}, "condition.above", "either above or below"),
        ({"condition": {"type": "threshold", "above": 1, "below": 2}}, "condition.above", "either"),
        ({"condition": {"type": "threshold", "above": "NaN"}}, "condition.above", "'NaN'"),
        ({"condition": {"type": "threshold", "above": 10, "recover": 11}}, "condition.recover", "11"),
        ({"condition": {"type": "threshold", "above": 10, "abvoe": 11}}, "condition.abvoe", "not known"),
        ({"condition": {"type": "magic"}}, "condition.type", "'magic'"),
        ({"condition": {"type": "burn_rate", "budget": 0}}, "condition.budget", "0"),
        ({"condition": "high"}, "condition", "no object"),
        ({"condition": {"type": "anomaly"}, "window": "1m"}, "window", "anomaly"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "Mars"),
        ({"every": "1s"}, "every", "1s"),
        ({"no_data": "panic"}, "no_data", "panic"),
        ({"speed": 3}, "speed", "not known"),
    ],
)
def test_a_wrong_rule_names_its_field(change: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(RuleError) as caught:
        spec_from({**GOOD, **change})
    assert caught.value.field == field
    assert said in caught.value.message


@pytest.mark.parametrize("value", [None, [], "rule", 3, {"metric": ["cost"]}])
def test_what_is_no_rule_at_all_is_refused(value: object) -> None:
    with pytest.raises(RuleError):
        spec_from(value)


@pytest.mark.parametrize(
    "condition",
    [
        {"type": "threshold", "above": 10.0, "recover": 8.0},
        {"type": "threshold", "below": 0.5},
        {"type": "change", "by": 0.4, "direction": "both", "against": "week", "least": 3.0},
        {"type": "anomaly", "sensitivity": "high", "direction": "up", "by": 0.5, "least": 1.0},
        {"type": "burn_rate", "budget": 900.0, "period": "30d"},
        {"type": "no_data"},
    ],
    ids=lambda one: one["type"],
)
def test_a_rule_survives_being_written_and_read(condition: dict[str, Any]) -> None:
    given = {
        **GOOD,
        "condition": condition,
        "group_by": ["user"],
        "for": "10m",
        "window": "15m",
        "filters": [{"field": "model", "values": ["gpt-4o"], "negated": True}],
    }
    spec = spec_from(given)
    assert spec_from(spec.written()) == spec
    assert spec.said()
