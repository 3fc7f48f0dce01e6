"""What a rule would have done: the same detector and the same state machine, led over points of the past. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from apps.alerts.detectors import Verdict
from apps.alerts.series import Point, Series
from apps.alerts.spec import RuleSpec
from apps.alerts.state import Phase, State, step

__all__ = ["Backtest", "Episode", "Judged", "backtest"]


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that it fired. `end` is None when it still does."""

    labels: Mapping[str, str]
    start: datetime
    end: datetime | None
    value: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One point and what was said of it."""

    point: Point
    verdict: Verdict
    firing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """`judged` is the course of one series, for the chart."""

    labels: Mapping[str, str]
    episodes: tuple[Episode, ...]
    judged: tuple[Judged, ...]

    @property
    def unsure(self) -> int:
        """Points of which nothing could be said."""
        return sum(one.verdict.outcome in {"unsure", "no_data"} for one in self.judged)


def backtest(spec: RuleSpec, series: Series, *, start: datetime, labels: Mapping[str, str] | None = None) -> Backtest:
    """Judge every point from `start` on, each with what was known before it."""
    named = labels or {}
    indexes = [index for index, point in enumerate(series.points) if point.start >= start]
    policy = replace(spec.policy, longest_gap=max(spec.policy.longest_gap, series.step))
    state, episodes, judged = State(), [], []
    for index, verdict in zip(indexes, spec.verdicts(series, indexes), strict=True):
        point = series.points[index]
        state, change = step(state, verdict.outcome, now=point.start + series.step, policy=policy)
        if change and change.after is Phase.FIRING:
            episodes.append(Episode(named, change.at, None, verdict.value, verdict.reason))
        elif change and change.before is Phase.FIRING:
            episodes[-1] = replace(episodes[-1], end=change.at)
        judged.append(Judged(point, verdict, state.phase is Phase.FIRING))
    return Backtest(labels=named, episodes=tuple(episodes), judged=tuple(judged))
