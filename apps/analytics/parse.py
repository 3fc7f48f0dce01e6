"""Request parameters → Query, or a QueryError that names the bad field and says what is accepted. Pure: `now` is passed
in.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.analytics.query import Field, Filter, Order, Page, Query, TextMode, TimeRange
from apps.analytics.sql.dimensions import DIMENSIONS
from apps.analytics.sql.metrics import METRICS

__all__ = ["Parameters", "QueryError", "page_from", "query_from", "range_from", "zone_from"]

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RELATIVE = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_LONGEST = timedelta(days=3660)
_MOST_VALUES = 50
_LONGEST_VALUE = 1000
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class QueryError(ValueError):
    """A parameter is wrong. `field` is its name; the message shows the value; `hint` says what is accepted."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.hint = hint


class Parameters(Protocol):
    """What Django's QueryDict offers of multi-valued parameters."""

    def getlist(self, key: str, /) -> list[str]:
        """Every value."""


def query_from(
    parameters: Parameters, *, project_id: int, now: datetime, time_zone: str = "UTC", default_range: str = "24h"
) -> Query:
    """Read a whole query; an absent parameter takes its default, an unreadable one is an error, never ignored."""
    zone_name = _one(parameters, "tz") or time_zone
    zone = zone_from(zone_name)
    text = _one(parameters, "q").strip()
    if len(text) > _LONGEST_VALUE:
        raise QueryError("q", f"q has {len(text)} characters", f"at most {_LONGEST_VALUE} characters")
    metrics = _names(parameters, "metrics", METRICS)
    return Query(
        project_id=project_id,
        range=range_from(parameters, now=now, zone=zone, default=default_range),
        filters=_filters(parameters),
        text=text,
        text_mode=TextMode(_choice(parameters, "text_mode", [mode.value for mode in TextMode], TextMode.AUTO.value)),
        time_zone=zone_name,
        metrics=metrics,
        dimensions=_names(parameters, "by", DIMENSIONS),
        order_by=_choice(parameters, "order_by", ["", *metrics], ""),
        order=Order(_choice(parameters, "order", [order.value for order in Order], Order.DESCENDING.value)),
        limit=_limit(parameters, default=100, most=1000),
    )


def range_from(parameters: Parameters, *, now: datetime, zone: tzinfo = UTC, default: str = "24h") -> TimeRange:
    """Read `range` (30m, 24h, 7d, 4w) or `from` and `to` (ISO 8601 or Unix seconds); a date without a zone is in
    `zone`.
    """
    start_text, end_text, relative = (_one(parameters, name) for name in ("from", "to", "range"))
    if not start_text and not end_text:
        return TimeRange(now - _relative("range", relative or default), now)
    if relative:
        raise QueryError("range", "range is given together with from or to", "give range alone, or from and to")
    end = _moment("to", end_text, zone) if end_text else now
    start = _moment("from", start_text, zone) if start_text else end - _relative("range", default)
    if start >= end:
        raise QueryError(
            "from", f"from={start.isoformat()} is not before to={end.isoformat()}", "swap them, or widen the range"
        )
    if end - start > _LONGEST:
        raise QueryError("from", f"the range is {(end - start).days} days long", f"at most {_LONGEST.days} days")
    return TimeRange(start, end)


def page_from(parameters: Parameters, *, default: int = 50, most: int = 200) -> Page:
    """Read `limit` and `cursor`."""
    return Page(limit=_limit(parameters, default=default, most=most), cursor=_one(parameters, "cursor"))


def zone_from(name: str) -> tzinfo:
    """Return the IANA time zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise QueryError("tz", f"tz={name[:60]!r} is no time zone", "an IANA name such as Asia/Kolkata") from error


def _one(parameters: Parameters, name: str) -> str:
    value = (parameters.getlist(name) or [""])[-1]
    if "\x00" in value:
        raise QueryError(name, f"{name} contains a null character", "remove it")
    return value


def _relative(field: str, text: str) -> timedelta:
    match = _RELATIVE.fullmatch(text)
    length = timedelta(seconds=int(match[1]) * _UNITS[match[2]]) if match else None
    if length is None or length > _LONGEST:
        raise QueryError(
            field, f"{field}={text[:60]!r} is no length of time", "a number and m, h, d or w: 30m, 24h, 7d, 4w"
        )
    return length


def _moment(field: str, text: str, zone: tzinfo) -> datetime:
    try:
        if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
            moment = datetime.fromtimestamp(float(text), UTC)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=zone)
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise QueryError(
            field,
            f"{field}={text[:60]!r} is no point in time",
            "ISO 8601 such as 2026-05-01T09:30:00+05:30, or Unix seconds",
        ) from error
    if not _EARLIEST <= moment <= _LATEST:
        raise QueryError(field, f"{field}={text[:60]!r} is outside 1970 to 2200", "a time within these years")
    return moment


def _filters(parameters: Parameters) -> tuple[Filter, ...]:
    found = []
    for field in Field:
        for name, negated in ((field.value, False), (f"{field.value}-not", True)):
            values = tuple(dict.fromkeys(value for value in parameters.getlist(name) if value))
            if not values:
                continue
            if len(values) > _MOST_VALUES:
                raise QueryError(name, f"{name} is given {len(values)} times", f"at most {_MOST_VALUES} values")
            if any(len(value) > _LONGEST_VALUE or "\x00" in value for value in values):
                raise QueryError(name, f"a value of {name} is too long", f"at most {_LONGEST_VALUE} characters")
            found.append(Filter(field, values, negated))
    return tuple(found)


def _names(parameters: Parameters, field: str, known: Mapping[str, object]) -> tuple[str, ...]:
    text = ",".join(parameters.getlist(field))
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in known:
            raise QueryError(field, f"{field} names {name[:60]!r}, which does not exist", _listed(known))
    return names


def _choice(parameters: Parameters, field: str, accepted: list[str], default: str) -> str:
    value = _one(parameters, field) or default
    if value not in accepted:
        raise QueryError(field, f"{field}={value[:60]!r} is not accepted", _listed(name for name in accepted if name))
    return value


def _limit(parameters: Parameters, *, default: int, most: int) -> int:
    text = _one(parameters, "limit")
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= most:
        raise QueryError("limit", f"limit={text[:60]!r} is not accepted", f"a whole number from 1 to {most}")
    return int(text)


def _listed(names: Iterable[str]) -> str:
    return "one of " + ", ".join(names)
