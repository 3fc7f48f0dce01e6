"""What the pages of alerts may use: one documented field a variable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.alerts.backtest import Episode
from apps.alerts.models import Channel, Delivery, Incident, MaintenanceWindow, Rule, Silence
from apps.ui.charts import Chart
from apps.ui.links import Choice

__all__ = [
    "BacktestPart",
    "ChannelsContext",
    "DeliveriesContext",
    "Event",
    "IncidentContext",
    "IncidentsContext",
    "QuietContext",
    "RuleContext",
    "RuleLine",
    "RulesContext",
    "TraceLine",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule in the list. `said` is its condition in words; `state` and `tone` how it stands."""

    rule: Rule
    said: str
    state: str
    tone: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesContext:
    """The list of rules."""

    lines: Sequence[RuleLine]
    may_change: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestPart:
    """What the rule would have done. `problem` stands in its place when it could not be tried."""

    headline: str = ""
    episodes: Sequence[Episode] = ()
    more: int = 0
    charts: Sequence[Chart] = ()
    note: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """One rule, to be changed or made. `rule` is None for a new one."""

    form: Any
    rule: Rule | None
    tried: BacktestPart | None
    incidents: Sequence[Incident]
    may_change: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsContext:
    """The list of incidents."""

    incidents: Sequence[Incident]
    choices: Sequence[Choice]
    next_href: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, in the timeline of an incident."""

    at: datetime
    title: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine:
    """An example. `said` is the verdict that made it one, for a rule on scores."""

    name: str
    href: str
    start: datetime
    status: str
    user: str
    cost: Any
    duration: float
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentContext:
    """One incident."""

    incident: Incident
    labels: Sequence[tuple[str, str]]
    said: str
    chart: Chart | None
    problem: str  # why there is no chart
    events: Sequence[Event]
    traces: Sequence[TraceLine]
    traces_href: str
    deliveries: Sequence[Delivery]
    may_change: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsContext:
    """Channels; `form` belongs to `kind`; `made` are secrets shown this once."""

    channels: Sequence[tuple[Channel, str]]
    kinds: Sequence[Choice]
    kind: str
    kind_help: str
    editing: Channel | None
    form: Any
    made: Sequence[tuple[str, str]]
    may_change: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesContext:
    """The delivery log."""

    deliveries: Sequence[Delivery]
    choices: Sequence[Choice]
    next_href: str
    may_change: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietContext:
    """Silences and maintenance windows."""

    silences: Sequence[Silence]
    windows: Sequence[tuple[MaintenanceWindow, str]]
    silence_form: Any
    maintenance_form: Any
    zone: str
    may_change: bool
    now: datetime
