"""Above or below a fixed number, with a recovery limit so that a value at the edge does not flap."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from apps.alerts.detectors.base import Needs, Verdict, lacking
from apps.alerts.fields import Fields
from apps.alerts.series import MetricKind, Series
from apps.alerts.state import Outcome
from apps.api.rule_error import RuleError

__all__ = ["Threshold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """`recover` is where it is over: at or below it for `above`, at or above it for `below`."""

    limit: float
    above: bool = True
    recover: float | None = None

    kind: ClassVar[str] = "threshold"

    @classmethod
    def read(cls, fields: Fields, *, metric: MetricKind) -> "Threshold":
        """{"above": 10} or {"below": 10}, and `recover`."""
        above, below = fields.number("above"), fields.number("below")
        if (above is None) == (below is None):
            raise RuleError(fields.name("above"), "a threshold needs either above or below", "one of the two, a number")
        recover = fields.number("recover")
        limit = above if above is not None else below
        assert limit is not None  # noqa: S101  (one of the two is there)
        if recover is not None and (recover > limit if above is not None else recover < limit):
            side = "at most" if above is not None else "at least"
            raise RuleError(
                fields.name("recover"), f"recover={recover:g} is beyond the limit {limit:g}", f"{side} {limit:g}"
            )
        return cls(limit=limit, above=above is not None, recover=recover)

    def written(self) -> dict[str, object]:
        """As JSON."""
        found: dict[str, object] = {"above" if self.above else "below": self.limit}
        return found if self.recover is None else {**found, "recover": self.recover}

    def needs(self, window: timedelta) -> Needs:
        """The last window alone."""
        return Needs(step=window, recent=window)

    def verdicts(self, series: Series, indexes: Iterable[int]) -> Iterator[Verdict]:
        """Compare each point."""
        for index in indexes:
            point = series.points[index]
            if point.value is None:
                yield lacking(point)
                continue
            yield Verdict(
                outcome=self._outcome(point.value),
                reason=f"{point.value:,.6g} is {self._side(point.value)} {self.limit:,.6g}",
                value=point.value,
                baseline=self.limit,
                lower=None if self.above else self.limit,
                upper=self.limit if self.above else None,
            )

    def _outcome(self, value: float) -> Outcome:
        sign = 1 if self.above else -1
        if sign * value > sign * self.limit:
            return Outcome.BREACHED
        back = self.limit if self.recover is None else self.recover
        return Outcome.CLEAR if sign * value <= sign * back else Outcome.HELD

    def _side(self, value: float) -> str:
        return "above" if value > self.limit else "below" if value < self.limit else "at"

    def said(self) -> str:
        """In words."""
        return f"{'above' if self.above else 'below'} {self.limit:,.6g}"
