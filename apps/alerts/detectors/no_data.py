"""Nothing arrived: the alert that the others' no-data policy is not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from apps.alerts.detectors.base import Needs, Verdict
from apps.alerts.fields import Fields
from apps.alerts.series import MetricKind, Series
from apps.alerts.state import Outcome

__all__ = ["NoData"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoData:
    """Breached when a window holds not one sample."""

    kind: ClassVar[str] = "no_data"

    @classmethod
    def read(cls, fields: Fields, *, metric: MetricKind) -> "NoData":
        """It has no fields."""
        return cls()

    def written(self) -> dict[str, object]:
        """As JSON."""
        return {}

    def needs(self, window: timedelta) -> Needs:
        """The last window alone."""
        return Needs(step=window, recent=window)

    def verdicts(self, series: Series, indexes: Iterable[int]) -> Iterator[Verdict]:
        """A count of nothing is nothing too."""
        for index in indexes:
            point = series.points[index]
            samples = point.weight if point.weight is not None else point.value
            nothing = point.value is None or not samples
            yield Verdict(
                outcome=Outcome.BREACHED if nothing else Outcome.CLEAR,
                reason=f"no sample from {point.start:%Y-%m-%d %H:%M} UTC on"
                if nothing
                else f"{samples:,.0f} samples arrived",
                value=point.value,
            )

    def said(self) -> str:
        """In words."""
        return "has no data"
