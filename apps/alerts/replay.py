"""Reading the past for a rule: the backtest before it is saved, and the course of an incident. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apps.alerts.backtest import Backtest, backtest
from apps.alerts.models import Incident
from apps.alerts.reading import groups_read, shape_of, window_end
from apps.alerts.spec import RuleSpec
from apps.analytics.query import Field, Filter
from apps.analytics.run import Reads

__all__ = ["MONTH", "Tried", "course_of", "tried_on"]

MONTH = timedelta(days=30)
_MOST_GROUPS = 8
_MOST_POINTS = 9000
_CONTEXT = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a rule would have done since `start`, for its largest groups; the one that fired most often comes first."""

    start: datetime
    end: datetime
    groups: tuple[Backtest, ...]

    @property
    def fired(self) -> int:
        """How often, all groups together."""
        return sum(len(group.episodes) for group in self.groups)


def tried_on(reads: Reads, spec: RuleSpec, *, project_id: int, now: datetime, length: timedelta = MONTH) -> Tried:
    """Lead the rule over the past. A window of a few minutes looks back less far: a month has many of those."""
    step = spec.needs.step
    length = min(length, step * _MOST_POINTS)
    end = window_end(now, delay=spec.delay)
    shape = replace(shape_of(spec, project_id=project_id, end=end, whole=length), groups=_MOST_GROUPS)
    start = end - length
    found = [
        backtest(spec, group.series, start=start, labels=group.labels) for group in groups_read(reads, spec, shape)
    ]
    return Tried(start=start, end=end, groups=tuple(sorted(found, key=lambda one: -len(one.episodes))))


def course_of(reads: Reads, spec: RuleSpec, incident: Incident, *, now: datetime) -> Backtest | None:
    """The numbers around an incident, with the band that was usual."""
    end = min(now, (incident.resolved_at or now) + _CONTEXT)
    length = min(max(end - incident.started_at + _CONTEXT, spec.window * 24), timedelta(days=14), spec.needs.step * 600)
    narrowed = replace(spec, filters=(*spec.filters, *_of_labels(incident.labels)))
    shape = shape_of(narrowed, project_id=incident.project_id, end=window_end(end, delay=spec.delay), whole=length)
    for group in groups_read(reads, narrowed, shape, known=[incident.labels]):
        if group.labels == incident.labels:
            return backtest(spec, group.series, start=shape.end - length, labels=group.labels)
    return None


def _of_labels(labels: Mapping[str, str]) -> tuple[Filter, ...]:
    return tuple(Filter(Field(name), (value,)) for name, value in labels.items())
