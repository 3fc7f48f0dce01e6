"""A rule → what is read for it → a series for each of its groups. Holds no SQL and no row.

Nothing recorded is zero only for what adds up, and only while something else of the project was recorded at that time
or later; otherwise it is missing.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apps.alerts.detectors.wall_clock import shifted
from apps.alerts.series import Point, Series
from apps.alerts.spec import RuleSpec
from apps.analytics.query import Filter, Query, TimeRange
from apps.analytics.run import Reads
from apps.analytics.score_trends import score_series
from apps.analytics.series import GroupSeries, Sample, metric_series, newest_minute

__all__ = ["MOST_GROUPS", "Group", "Shape", "groups_read", "shape_of", "window_end"]

MOST_GROUPS = 50
_AROUND = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What one read answers. Rules of the same shape share it."""

    project_id: int
    metric: str
    filters: tuple[Filter, ...]
    group_by: tuple[str, ...]
    step: timedelta
    origin: datetime
    recent: datetime  # from here to the end every step counts, also one with nothing in it
    parts: tuple[TimeRange, ...]
    groups: int = MOST_GROUPS
    score: str = ""

    @property
    def end(self) -> datetime:
        """Where the last step ends."""
        return self.parts[-1].end


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a rule and its points."""

    labels: Mapping[str, str]
    series: Series


def window_end(now: datetime, *, delay: timedelta) -> datetime:
    """The last whole minute that may be looked at: what began in it has had `delay` to arrive."""
    return (now - delay).replace(second=0, microsecond=0)


def shape_of(spec: RuleSpec, *, project_id: int, end: datetime, whole: timedelta | None = None) -> Shape:
    """What to read for a rule at a moment; with `whole`, every step of that length and the history before it."""
    needs = spec.needs
    steps = math.ceil((needs.history + (whole or timedelta(0))) / needs.step)
    origin = end - needs.step * steps
    recent = end - needs.step * math.ceil(needs.recent / needs.step)
    if whole is not None:
        parts: tuple[TimeRange, ...] = (TimeRange(origin, end),)
        recent = end - whole
    else:
        parts = tuple(_parts(spec, origin=origin, recent=recent, end=end))
    return Shape(
        project_id=project_id, metric=spec.metric, filters=spec.filters, group_by=spec.group_by, step=needs.step,
        origin=parts[0].start, recent=recent, parts=parts, score=spec.score,
    )  # fmt: skip


def _parts(spec: RuleSpec, *, origin: datetime, recent: datetime, end: datetime) -> Iterator[TimeRange]:
    """The latest steps and the same hours of other days, on one grid, merged where they meet, oldest first."""
    zone, step = ZoneInfo(spec.zone), spec.needs.step
    around = max(_AROUND, step)
    wanted = [(recent, end)]
    for days in spec.needs.days:
        start = shifted(recent, days=-days, zone=zone) - around
        wanted.append((start, shifted(end, days=-days, zone=zone) + around))
    merged: list[list[int]] = []
    last = round((end - origin) / step)
    for start, stop in sorted(wanted):
        first, past = max(0, (start - origin) // step), min(last, -((origin - stop) // step))
        if merged and first <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], past)
        elif first < past:
            merged.append([first, past])
    for first, past in merged:
        yield TimeRange(origin + step * first, origin + step * past)


def groups_read(
    reads: Reads, spec: RuleSpec, shape: Shape, *, known: Iterable[Mapping[str, str]] = ()
) -> tuple[Group, ...]:
    """Read. Groups in `known` are in the answer also when nothing of them was recorded."""
    query = Query(
        project_id=shape.project_id,
        range=TimeRange(shape.origin, shape.end),
        filters=shape.filters,
        metrics=(shape.metric,),
        dimensions=shape.group_by,
        limit=shape.groups,
    )
    origin, step, parts = shape.origin, shape.step, shape.parts
    if shape.score:
        read = score_series(reads, query, shape.score, origin=origin, step=step, parts=parts, tag="alerts.scores")
    else:
        read = metric_series(reads, query, origin=origin, step=step, parts=parts, tag="alerts.series")
    found = list(read)
    there = {group.group for group in found}
    for labels in known:
        group = tuple(labels.get(name, "") for name in shape.group_by)
        if group not in there:
            found.append(GroupSeries(group, ()))
    newest = newest_minute(reads, shape.project_id, TimeRange(shape.recent, shape.end))
    return tuple(
        Group(dict(zip(shape.group_by, group.group, strict=True)), _filled(spec, shape, group, newest=newest))
        for group in found
    )


def _filled(spec: RuleSpec, shape: Shape, group: GroupSeries, *, newest: datetime | None) -> Series:
    found = {sample.start: sample for sample in group.samples}
    # Who looks back over weeks must not take the time before the first call for a quiet one.
    begins = [sample.start for sample in group.samples[:1]]
    first = min([*begins, *([] if spec.needs.days else [shape.recent])], default=shape.end)
    # Before the latest steps whatever is not there is known not to be: ingestion has long passed it.
    known_until = newest if newest is not None else shape.recent - shape.step
    points = []
    for part in shape.parts:
        start = part.start
        while start < part.end:
            points.append(
                _point(start, found.get(start), zero=first <= start <= known_until and spec.metric_kind.adds_up)
            )
            start += shape.step
    return Series(step=shape.step, points=tuple(points), kind=spec.metric_kind, zone=spec.zone)


def _point(start: datetime, sample: Sample | None, *, zero: bool) -> Point:
    if sample is not None:
        return Point(start, sample.value, sample.samples)
    return Point(start, 0.0, 0) if zero else Point(start, None)
