"""What a detector is and what it says. A detector sees points up to the one it judges, never a later one; it knows no
rule, no store and no clock.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Protocol

from apps.alerts.fields import Fields
from apps.alerts.series import MetricKind, Point, Series
from apps.alerts.state import Outcome

__all__ = ["Detector", "Needs", "Verdict", "lacking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Which points a detector wants: `recent`, in steps of `step`, and the same hours so many `days` ago."""

    step: timedelta
    recent: timedelta
    days: tuple[int, ...] = ()

    @property
    def history(self) -> timedelta:
        """How far back it looks in all."""
        return self.recent + timedelta(days=max(self.days, default=0), hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one point means. `lower` and `upper` are the band that would have been no reason to speak."""

    outcome: Outcome
    reason: str
    value: float | None = None
    baseline: float | None = None
    lower: float | None = None
    upper: float | None = None


class Detector(Protocol):
    """A condition of a rule: a frozen value that reads itself from JSON and judges a series."""

    kind: ClassVar[str]

    @classmethod
    def read(cls, fields: Fields, *, metric: MetricKind) -> "Detector":
        """Take its fields out of the condition's object. Raises RuleError."""

    def written(self) -> dict[str, object]:
        """The object that `read` would read, without `type`."""

    def needs(self, window: timedelta) -> Needs:
        """What to read for a rule of this window."""

    def verdicts(self, series: Series, indexes: Iterable[int]) -> Iterator[Verdict]:
        """Judge the points at these indexes, which grow, each from what was known then."""

    def said(self) -> str:
        """The condition in words, after `<metric> `."""


def lacking(point: Point) -> Verdict:
    """The verdict on a missing point."""
    return Verdict(outcome=Outcome.NO_DATA, reason=f"nothing was measured from {point.start:%Y-%m-%d %H:%M} UTC on")
