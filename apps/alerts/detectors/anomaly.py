"""Unlike what is usual at this hour of the week, by the statistics that fit the metric.

Counts by the tail of a Poisson or negative binomial distribution, rates by comparing two shares, sums and measures by
the median deviation on a logarithmic scale with a floor, so that a flat series does not make every ripple an alarm.
A weighted mean of the latest scores finds what is a little off for long before it is far off.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import ClassVar

from apps.alerts.detectors.base import Needs, Verdict, lacking
from apps.alerts.detectors.baseline import Peers, Season, middle_and_spread, quantile
from apps.alerts.detectors.tails import count_score, share_score, student_score, wilson
from apps.alerts.fields import Fields
from apps.alerts.series import MetricKind, Point, Series
from apps.alerts.state import Outcome

__all__ = ["Anomaly"]

_SENSITIVITY = {"low": 6.0, "medium": 4.5, "high": 3.5}
_WEIGHT = 0.2  # of the newest score in the moving mean
_LOOKED_BACK = 16
_STEADY = math.sqrt(_WEIGHT / (2 - _WEIGHT))  # the mean's own standard deviation when scores are independent
_DRIFT = 2.2  # how much further the mean must be off than one point: neighbours are not independent
_FLOOR = 0.08  # smallest spread, on the logarithmic scale
_LEAST_FREEDOM = 10.0  # a jump of a hundred times is one also when the weeks before hold few points
_RELATED = 2.5  # neighbours tell the same: so many points are worth one
_CALM = 0.6  # share of the limit below which it is over


@dataclass(frozen=True, slots=True)
class _Score:
    """How far off a point is, in standard deviations, and the usual value with its band."""

    score: float
    baseline: float
    lower: float
    upper: float
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """`by` is the smallest share, and `least` the smallest difference in the metric's unit, that is worth telling."""

    sensitivity: str = "medium"
    direction: str = "both"
    by: float = 0.3
    least: float = 0.0

    kind: ClassVar[str] = "anomaly"

    @classmethod
    def read(cls, fields: Fields, *, metric: MetricKind) -> "Anomaly":
        """{"sensitivity": "medium", "direction": "up", "by": 0.3}."""
        least = {MetricKind.COUNT: 5.0, MetricKind.RATIO: 0.02}.get(metric, 0.0)
        return cls(
            sensitivity=fields.choice("sensitivity", _SENSITIVITY, "medium"),
            direction=fields.choice("direction", ("up", "down", "both"), "both"),
            by=fields.number("by", 0.3, least=0, most=1000) or 0.0,
            least=fields.number("least", least, least=0) or 0.0,
        )

    def written(self) -> dict[str, object]:
        """As JSON."""
        return {"sensitivity": self.sensitivity, "direction": self.direction, "by": self.by, "least": self.least}

    def needs(self, window: timedelta) -> Needs:
        """The latest few windows, and the same hours of the week before and of the same day in four weeks."""
        return Needs(step=window, recent=window * 3 * _LOOKED_BACK, days=(*range(1, 8), 14, 21, 28))

    def verdicts(self, series: Series, indexes: Iterable[int]) -> Iterator[Verdict]:
        """Score each point and those just before it; nothing is scored twice."""
        season = Season(series)
        scores: dict[int, _Score | None] = {}

        def score_at(at: int) -> _Score | None:
            if at not in scores:
                scores[at] = self._score(series, season, at)
            return scores[at]

        for index in indexes:
            point = series.points[index]
            if point.value is None:
                yield lacking(point)
                continue
            score = score_at(index)
            if score is None:
                yield Verdict(
                    outcome=Outcome.UNSURE, reason="there is too little history to compare with", value=point.value
                )
                continue
            recent = [score_at(at) for at in range(max(0, index - _LOOKED_BACK + 1), index + 1)]
            yield self._verdict(point.value, score, self._drift(recent))
            for old in [at for at in scores if at < index - 2 * _LOOKED_BACK]:
                del scores[old]

    def _drift(self, recent: list[_Score | None]) -> float:
        """The moving mean of scores, in its own standard deviations. One wild point cannot carry it alone."""
        limit, mean = _SENSITIVITY[self.sensitivity], 0.0
        for one in recent:
            if one is not None:
                mean += _WEIGHT * (max(-limit, min(limit, one.score)) - mean)
        return mean / _STEADY / _DRIFT

    def _verdict(self, value: float, score: _Score, drift: float) -> Verdict:
        limit = _SENSITIVITY[self.sensitivity]
        strength = score.score if abs(score.score) >= abs(drift) or drift * score.score <= 0 else drift
        matters = abs(value - score.baseline) >= max(self.least, self.by * abs(score.baseline))
        sides = {"up": strength > 0, "down": strength < 0, "both": True}
        far = abs(strength) >= limit and sides[self.direction]
        calm = abs(strength) < _CALM * limit or not sides[self.direction] or not matters
        side = "above" if value > score.baseline else "below"
        lasting = ", and has been for a while" if far and abs(score.score) < limit else ""
        return Verdict(
            outcome=Outcome.BREACHED if far and matters else Outcome.CLEAR if calm else Outcome.HELD,
            reason=f"{value:,.6g} is {side} the {score.baseline:,.6g} that is usual {score.what}: "
            f"{abs(strength):.1f} standard deviations{lasting}",
            value=value,
            baseline=score.baseline,
            lower=score.lower if self.direction != "up" else None,
            upper=score.upper if self.direction != "down" else None,
        )

    def _score(self, series: Series, season: Season, index: int) -> _Score | None:
        point = series.points[index]
        peers = season.peers(index)
        if point.value is None or peers is None:
            return None
        limit = _SENSITIVITY[self.sensitivity]
        if series.kind is MetricKind.RATIO:
            return _share(point, peers, limit)
        if series.kind is MetricKind.COUNT:
            return _count(point.value, peers, limit)
        return _amount(point.value, peers, limit, sparse=series, index=index)

    def said(self) -> str:
        """In words."""
        way = {"up": "unusually high", "down": "unusually low", "both": "unusual"}[self.direction]
        return f"is {way} for this hour of the week ({self.sensitivity} sensitivity)"


def _least_spread(values: list[float]) -> float:
    """The fewer points it is estimated from, the less a small spread is believed."""
    return _FLOOR * (1 + 20 / len(values))


def _freedom(values: list[float]) -> float:
    return max(_LEAST_FREEDOM, len(values) / _RELATED)


def _values(peers: Peers) -> list[float]:
    return [point.value for point in peers.points if point.value is not None]


def _count(value: float, peers: Peers, limit: float) -> _Score:
    values = _values(peers)
    mean, spread = middle_and_spread(values)
    variance = spread * spread
    if mean < 20:
        # A median of few events is coarse. The mean without its wildest tenths is not.
        inner = sorted(values)[len(values) // 10 : len(values) - len(values) // 10]
        mean = max(sum(inner) / len(inner), 0.05)
        variance = max(variance, 1.3 * sum((one - mean) ** 2 for one in inner) / len(inner))
    variance = max(variance, mean, (_FLOOR * mean) ** 2)
    deviation = math.sqrt(variance)
    score = count_score(value, mean=mean, variance=variance)
    return _Score(score, mean, max(0.0, mean - limit * deviation), mean + limit * deviation, peers.what)


def _share(point: Point, peers: Peers, limit: float) -> _Score | None:
    days: dict[date, list[tuple[float, int]]] = {}
    for one in peers.points:
        if one.value is not None and one.weight:
            days.setdefault(one.start.date(), []).append((one.value, one.weight))
    if not point.weight or point.value is None or not days:
        return None
    # The middle day: one that went wrong does not become what is usual.
    pooled = sorted(
        (sum(share * weight for share, weight in day) / sum(weight for _, weight in day), sum(w for _, w in day))
        for day in days.values()
    )
    base, base_total = median([share for share, _ in pooled]), sum(weight for _, weight in pooled)
    score = share_score(point.value * point.weight, point.weight, base_hits=base * base_total, base_total=base_total)
    # Shares of busy hours differ by more than chance allows: never trust the tail alone.
    _, spread = middle_and_spread([share for day in days.values() for share, _ in day])
    if spread:
        score = min(score, (point.value - base) / spread, key=abs)
    lower, upper = wilson(base * point.weight, point.weight, score=limit)
    return _Score(
        score,
        base,
        max(0.0, min(lower, base - limit * spread)),
        min(1.0, max(upper, base + limit * spread)),
        peers.what,
    )


def _amount(value: float, peers: Peers, limit: float, *, sparse: Series, index: int) -> _Score | None:
    values = _values(peers)
    positive = [one for one in values if one > 0]
    if len(positive) * 2 <= len(values) and min(values) >= 0:
        return _rare(value, peers, limit, sparse=sparse, index=index)
    if min(values) < 0 or value < 0:
        middle, spread = middle_and_spread(values)
        spread = max(spread, _least_spread(values) * abs(middle), 1e-12)
        score = student_score((value - middle) / spread, freedom=_freedom(values))
        return _Score(score, middle, middle - limit * spread, middle + limit * spread, peers.what)
    ground = 0.05 * quantile(positive, 0.5)
    middle, spread = middle_and_spread([math.log(one + ground) for one in values])
    spread = max(spread, _least_spread(values))
    score = student_score((math.log(value + ground) - middle) / spread, freedom=_freedom(values))
    lower, upper = (max(0.0, math.exp(middle + side * limit * spread) - ground) for side in (-1, 1))
    return _Score(score, max(0.0, math.exp(middle) - ground), lower, upper, peers.what)


def _rare(value: float, peers: Peers, limit: float, *, sparse: Series, index: int) -> _Score | None:
    """Mostly nothing, sometimes something: only more than the largest usual amount is unlike it."""
    seen = [point.value for point in sparse.points[:index] if point.value]
    if len(seen) < 10:
        return None
    high = quantile(seen, 0.95)
    spread = high * 3 / limit  # three times what is large for it is at the limit
    return _Score(min(40.0, value / spread), 0.0, 0.0, high * 3, "for so rare an amount")
