"""The choice of a time range, as links and one small form. Pure: what is in force is passed in."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.http import QueryDict

from apps.analytics.query import TimeRange
from apps.ui.links import Choice, Hidden, changed, hidden_fields

__all__ = ["RANGES", "RangePicker", "range_picker", "range_text"]

RANGES = ("1h", "24h", "7d", "30d")


@dataclass(frozen=True, slots=True)
class RangePicker:
    """`start` and `end` fill the form; `custom` says that they are in force; `span` is the range in words."""

    choices: tuple[Choice, ...]
    custom: bool
    start: str
    end: str
    span: str
    zone: str
    hidden: tuple[Hidden, ...]


def range_picker(
    parameters: QueryDict, time_range: TimeRange | None, *, zone: str = "UTC", default: str = "24h"
) -> RangePicker:
    """Return the picker for the present address. No range: the address could not be read."""
    custom = bool(parameters.get("from") or parameters.get("to"))
    relative = "" if custom else parameters.get("range") or default
    names = RANGES if relative in RANGES or not relative else (*RANGES, relative)
    choices = tuple(
        Choice(name, changed(parameters, {"range": name, "from": None, "to": None}), current=name == relative)
        for name in names
    )
    local = ZoneInfo(zone)
    start = time_range.start.astimezone(local) if time_range else None
    end = time_range.end.astimezone(local) if time_range else None
    return RangePicker(
        choices=choices,
        custom=custom,
        start=f"{start:%Y-%m-%dT%H:%M}" if start else "",
        end=f"{end:%Y-%m-%dT%H:%M}" if end else "",
        span=range_text(time_range, zone=zone) if time_range else "",
        zone=zone,
        hidden=hidden_fields(parameters, without=("range", "from", "to")),
    )


def range_text(time_range: TimeRange, *, zone: str = "UTC") -> str:
    """21 Nov 05:00 to 22 Nov 05:00 UTC; the year only where it is needed."""
    local = ZoneInfo(zone)
    start, end = time_range.start.astimezone(local), time_range.end.astimezone(local)
    year = " %Y" if start.year != end.year else ""
    first = start.strftime(f"%-d %b{year} %H:%M")
    last = end.strftime("%H:%M" if start.date() == end.date() else f"%-d %b{year} %H:%M")
    return f"{first} to {last} {end.tzname()}"
