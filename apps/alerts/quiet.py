"""Is a moment one of silence? Silences and maintenance windows as values. Pure: `now` is passed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

__all__ = ["Quiet", "Recurring", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of time, of one rule or all, of groups that have these labels."""

    start: datetime
    end: datetime
    rule: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    what: str = "silence"

    def covers(self, now: datetime, *, rule: str, labels: Mapping[str, str]) -> bool:
        """Whether it is in force for this group."""
        return (
            self.start <= now < self.end
            and self.rule in {"", rule}
            and all(labels.get(name) == value for name, value in self.labels)
        )


@dataclass(frozen=True, slots=True)
class Recurring:
    """On these weekdays from a time on the wall on; one that passes midnight belongs to the day it begins on."""

    weekdays: frozenset[int]
    starts: time
    length: timedelta
    zone: str
    what: str = "maintenance"

    def covers(self, now: datetime) -> bool:
        """Whether the present moment lies in one of them."""
        place = ZoneInfo(self.zone)
        today = now.astimezone(place).date()
        for back in range(self.length.days + 2):
            day = today - timedelta(days=back)
            begins = datetime.combine(day, self.starts, place)
            if day.weekday() in self.weekdays and timedelta(0) <= now - begins < self.length:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Quiet:
    """All of them, of one project."""

    spans: Sequence[Span] = ()
    recurring: Sequence[Recurring] = ()

    def why(self, now: datetime, *, rule: str, labels: Mapping[str, str]) -> str:
        """What keeps it quiet; nothing when nothing does."""
        for span in self.spans:
            if span.covers(now, rule=rule, labels=labels):
                return span.what
        return next((window.what for window in self.recurring if window.covers(now)), "")
