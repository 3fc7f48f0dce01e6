"""More, or less, than in the period before: the window before this one, or the same window a day or a week ago."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from apps.alerts.detectors.base import Needs, Verdict, lacking
from apps.alerts.detectors.wall_clock import shifted
from apps.alerts.fields import Fields
from apps.alerts.series import MetricKind, Series
from apps.alerts.state import Outcome

__all__ = ["Change"]

_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`by` is a share: 0.5 is half as much again. `least` is the smallest difference, in the metric's unit, worth
    telling.
    """

    by: float
    direction: str = "up"
    against: str = "previous"
    least: float = 0.0
    recover: float | None = None

    kind: ClassVar[str] = "change"

    @classmethod
    def read(cls, fields: Fields, *, metric: MetricKind) -> "Change":
        """{"by": 0.5, "direction": "up", "against": "previous"}."""
        by = fields.number("by", least=0.01, most=1000)
        return cls(
            by=0.5 if by is None else by,
            direction=fields.choice("direction", ("up", "down", "both"), "up"),
            against=fields.choice("against", ("previous", "day", "week"), "previous"),
            least=fields.number("least", 0.0, least=0) or 0.0,
            recover=fields.number("recover", least=0, most=by or 0.5),
        )

    def written(self) -> dict[str, object]:
        """As JSON."""
        found: dict[str, object] = {"by": self.by, "direction": self.direction, "against": self.against}
        found |= {"least": self.least} if self.least else {}
        return found if self.recover is None else {**found, "recover": self.recover}

    def needs(self, window: timedelta) -> Needs:
        """Back to the period compared with."""
        days = _DAYS.get(self.against)
        # Two hours more, for a day that was 25 hours long.
        return Needs(step=window, recent=window * 2 if days is None else timedelta(days=days, hours=2) + window)

    def verdicts(self, series: Series, indexes: Iterable[int]) -> Iterator[Verdict]:
        """Compare each point with the one that covers the same time before."""
        starts = [point.start for point in series.points]
        for index in indexes:
            point = series.points[index]
            if point.value is None:
                yield lacking(point)
                continue
            before = self._before(series, starts, point.start)
            if before is None:
                yield Verdict(
                    outcome=Outcome.UNSURE,
                    reason=f"nothing was measured in {self._period()} to compare with",
                    value=point.value,
                )
                continue
            yield self._compared(point.value, before)

    def _before(self, series: Series, starts: list[datetime], start: datetime) -> float | None:
        days = _DAYS.get(self.against)
        wanted = start - series.step if days is None else shifted(start, days=-days, zone=ZoneInfo(series.zone))
        at = bisect_right(starts, wanted + series.step / 2) - 1
        if at < 0 or starts[at] < wanted - series.step / 2:
            return None
        return series.points[at].value

    def _compared(self, value: float, before: float) -> Verdict:
        difference = value - before
        up, down = before + max(abs(before) * self.by, self.least), before - max(abs(before) * self.by, self.least)
        rises, falls = self.direction in {"up", "both"}, self.direction in {"down", "both"}
        breached = (rises and value > up) or (falls and value < down)
        share = abs(difference) / abs(before) if before else None
        calm = not breached and (self.recover is None or share is None or share <= self.recover)
        size = "" if share is None else f" ({'+' if difference >= 0 else '-'}{share:.0%})"
        return Verdict(
            outcome=Outcome.BREACHED if breached else Outcome.CLEAR if calm else Outcome.HELD,
            reason=f"{value:,.6g} against {before:,.6g} in {self._period()}{size}",
            value=value,
            baseline=before,
            lower=down if falls else None,
            upper=up if rises else None,
        )

    def _period(self) -> str:
        return {
            "previous": "the window before",
            "day": "the same window a day before",
            "week": "the same window a week before",
        }[self.against]

    def said(self) -> str:
        """In words."""
        way = {"up": "rises", "down": "falls", "both": "changes"}[self.direction]
        return f"{way} by more than {self.by:.0%} against {self._period()}"
