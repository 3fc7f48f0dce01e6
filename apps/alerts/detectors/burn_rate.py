"""How fast a budget is used: spend against an amount for a period, or failures against a tolerated share.

A burn of 1 uses the budget up exactly at the end of its period. Each pair of windows fires when both are fast: the
long one so that a blip is no page, the short one so that it is over when it is over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from apps.alerts.detectors.base import Needs, Verdict, lacking
from apps.alerts.fields import Fields, duration_text
from apps.alerts.series import MetricKind, Point, Series
from apps.alerts.state import Outcome
from apps.api.rule_error import RuleError

__all__ = ["BurnRate", "Pair"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Both windows must burn `factor` times too fast."""

    long: timedelta
    short: timedelta
    factor: float


# Of a 30-day budget: a fiftieth in an hour, a twentieth in six, a tenth in a day.
_USUAL = (
    Pair(timedelta(hours=1), timedelta(minutes=5), 14.4),
    Pair(timedelta(hours=6), timedelta(minutes=30), 6.0),
    Pair(timedelta(days=1), timedelta(hours=2), 3.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRate:
    """`budget` is an amount for `period`, or for a ratio the share that is tolerated."""

    budget: float
    period: timedelta = timedelta(days=30)
    pairs: tuple[Pair, ...] = _USUAL
    share: bool = False

    kind: ClassVar[str] = "burn_rate"

    @classmethod
    def read(cls, fields: Fields, *, metric: MetricKind) -> "BurnRate":
        """{"budget": 500, "period": "30d", "windows": [{"long": "1h", "short": "5m", "factor": 14.4}]}."""
        if metric is MetricKind.MEASURE:
            raise RuleError(
                fields.name("type"), "a percentile does not use up a budget", "a count, a sum or a rate as metric"
            )
        share = metric is MetricKind.RATIO
        budget = fields.number("budget", least=0, most=1 if share else None)
        if not budget:
            raise RuleError(
                fields.name("budget"),
                f"budget={budget!r} is not accepted",
                "the tolerated share, such as 0.01" if share else "an amount above 0 for the period",
            )
        pairs = tuple(
            _pair(Fields(item, path=f"{fields.name('windows')}.{number}"))
            for number, item in enumerate(fields.items("windows", most=6))
        )
        return cls(
            budget=budget, period=fields.duration("period", "30d", least="1d", most="366d"), pairs=pairs or _USUAL,
            share=share,
        )  # fmt: skip

    def written(self) -> dict[str, object]:
        """As JSON."""
        windows = [
            {"long": duration_text(pair.long), "short": duration_text(pair.short), "factor": pair.factor}
            for pair in self.pairs
        ]
        return {"budget": self.budget, "period": duration_text(self.period), "windows": windows}

    def needs(self, window: timedelta) -> Needs:
        """Steps that fill every window."""
        step = min(timedelta(minutes=5), *(pair.short for pair in self.pairs))
        return Needs(step=step, recent=max(pair.long for pair in self.pairs))

    def verdicts(self, series: Series, indexes: Iterable[int]) -> Iterator[Verdict]:
        """The fastest pair decides."""
        for index in indexes:
            point = series.points[index]
            found = [
                (pair, long, short)
                for pair in self.pairs
                if (long := self._burn(series, index, pair.long)) is not None
                and (short := self._burn(series, index, pair.short)) is not None
            ]
            if not found:
                yield lacking(point)
                continue
            pair, long, short = max(found, key=lambda one: min(one[1], one[2]) / one[0].factor)
            breached = min(long, short) >= pair.factor
            yield Verdict(
                outcome=Outcome.BREACHED if breached else Outcome.CLEAR,
                reason=f"the budget is used {long:.3g} times too fast over {duration_text(pair.long)} and {short:.3g} "
                f"times over {duration_text(pair.short)}; the limit is {pair.factor:g}",
                value=long,
                baseline=1.0,
                upper=pair.factor,
            )

    def _burn(self, series: Series, index: int, window: timedelta) -> float | None:
        end = series.points[index].start + series.step
        inside: list[Point] = []
        for point in reversed(series.points[: index + 1]):
            if point.start < end - window:
                break
            inside.append(point)
        known = [point for point in inside if point.value is not None]
        if not known:
            return None
        if self.share:
            weight = sum(point.weight or 0 for point in known)
            bad = sum((point.value or 0.0) * (point.weight or 0) for point in known)
            return bad / weight / self.budget if weight else None
        spent = sum(point.value or 0.0 for point in known)
        return (spent / window.total_seconds()) / (self.budget / self.period.total_seconds())

    def said(self) -> str:
        """In words."""
        if self.share:
            return f"uses up a tolerated share of {self.budget:.3%} too fast"
        return f"uses up {self.budget:,.6g} per {duration_text(self.period)} too fast"


def _pair(fields: Fields) -> Pair:
    long, short = fields.duration("long", least="5m", most="7d"), fields.duration("short", least="1m", most="1d")
    factor = fields.number("factor", least=0.1, most=1000)
    if short > long:
        raise RuleError(fields.name("short"), "the short window is longer than the long one", "a shorter one")
    fields.done()
    return Pair(long, short, 1.0 if factor is None else factor)
