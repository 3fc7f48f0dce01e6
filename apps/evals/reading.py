"""Where the live reading of a rule stands, and the next page from there.

A position is a stretch of the store's own time (when batches became whole) and a place in it. What became whole in the
last `LAG` is left for the next look: rows are written in the order of no clock but their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.analytics.query import Filter
from apps.analytics.run import Reads
from apps.analytics.statement import micros
from apps.analytics.subjects import Place, SubjectRow, Window, arrivals_read, subjects_read

__all__ = ["LAG", "Page", "Position", "page_read", "position_from"]

# The bound of what live reading promises: a batch whose row can be read only this long after it was written is missed.
# The insert of that one small row would have to take longer than this.
LAG = timedelta(seconds=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to `after` was judged; of (after, until] everything up to `place`."""

    after: datetime
    until: datetime | None = None
    place: Place | None = None

    def written(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "after": micros(self.after) // 1000,
            "until": None if self.until is None else micros(self.until) // 1000,
            "place": None if self.place is None else list(self.place),
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Subjects, and the position behind them. `more`: there may be others."""

    rows: tuple[SubjectRow, ...]
    position: Position
    more: bool


def position_from(value: Mapping[str, Any], *, now: datetime) -> Position:
    """Read a position; without one the reading begins now."""
    if not value.get("after"):
        return Position(now)
    place = value.get("place")
    until = value.get("until")
    return Position(
        _moment(value["after"]),
        None if until is None else _moment(until),
        None if place is None else (int(place[0]), str(place[1]), str(place[2])),
    )


def page_read(
    reads: Reads,
    position: Position,
    *,
    project_id: int,
    filters: tuple[Filter, ...],
    roots: bool,
    now: datetime,
    limit: int,
) -> Page:
    """Return the next subjects. A position in the future is of a clock that went back: nothing is read before it."""
    until = position.until or now - LAG
    if until <= position.after:
        return Page((), position, more=False)
    arrived = arrivals_read(reads, project_id, after=position.after, until=until)
    if not arrived.batches:
        return Page((), Position(arrived.until), more=position.until is not None)
    window = Window(
        project_id=project_id, received=arrived.received, filters=filters, roots=roots, batches=arrived.batches
    )
    rows = subjects_read(reads, window, after=position.place, limit=limit)
    if len(rows) < limit:
        return Page(rows, Position(arrived.until), more=True)
    return Page(rows, Position(position.after, arrived.until, rows[-1].place), more=True)


def _moment(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(millis))
