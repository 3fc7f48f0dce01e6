"""Bars lie where their spans lie, and never leave the drawing."""

import random
from datetime import UTC, datetime, timedelta

from apps.traces.waterfall import bar_of, scale_of

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """A moment."""
    return START + timedelta(seconds=seconds)


def test_a_bar_is_a_share_of_the_whole() -> None:
    scale = scale_of([(after(0), after(4))])
    assert scale is not None
    bar = bar_of(scale, start=after(1), seconds=2, ttft=0.5)
    assert (bar.x, bar.width, bar.wait) == ("25%", "50%", "12.5%")


def test_a_short_span_is_still_seen_and_stays_inside() -> None:
    scale = scale_of([(after(0), after(1000))])
    assert scale is not None
    bar = bar_of(scale, start=after(1000), seconds=0)
    assert (bar.x, bar.width) == ("99.4%", "0.6%")


def test_times_that_do_not_fit_stay_inside() -> None:
    scale = scale_of([(after(0), after(10)), (after(20), after(5))])
    assert scale is not None
    assert scale.length == 20
    chance = random.Random(1)
    for _ in range(300):
        bar = bar_of(
            scale, start=after(chance.uniform(-50, 50)), seconds=chance.uniform(-5, 90), ttft=chance.uniform(-1, 9)
        )
        x, width = float(bar.x[:-1]), float(bar.width[:-1])
        assert x >= 0
        assert width > 0
        assert x + width <= 100.001


def test_a_trace_without_length_has_full_bars_and_no_marks() -> None:
    scale = scale_of([(after(0), after(0))])
    assert scale is not None
    assert scale.ticks == ()
    assert bar_of(scale, start=after(0), seconds=0).width == "100%"
    assert scale_of([]) is None


def test_marks_are_round_and_few() -> None:
    for seconds in (0.00002, 0.013, 1.42, 4.37, 59, 61, 4_000, 90_000):
        scale = scale_of([(after(0), after(seconds))])
        assert scale is not None
        assert 2 <= len(scale.ticks) <= 5
        assert scale.ticks[0].label == "0"
    labels = [tick.label for tick in scale_of([(after(0), after(4.37))]).ticks]  # type: ignore[union-attr]
    assert labels == ["0", "2 s", "4 s"]
