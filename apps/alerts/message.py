"""What a channel is given to say, as one frozen value and as the JSON that is kept in the outbox. Pure.

Every channel says the same facts in its own form; the form is the channel's, the facts are decided here, once, when
the state changed: a retry tomorrow says what was true today.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["MOST_ALERTS", "Alert", "Notification"]

MOST_ALERTS = 20  # keeps a body below 20 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One group of a rule. Times are ISO 8601 in UTC; unknown is None."""

    incident: str
    url: str
    traces_url: str
    fingerprint: str
    status: str  # firing or resolved
    labels: Mapping[str, str]
    started_at: str
    ended_at: str | None
    value: float | None
    baseline: float | None
    lower: float | None
    upper: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A message about one rule: what happened to which of its groups."""

    type: str  # alert.firing, alert.resolved, alert.reminder, rule.error, rule.recovered, channel.test
    timestamp: str
    project: str
    project_name: str
    rule: str
    rule_name: str
    rule_url: str
    description: str
    severity: str
    condition: str
    metric: str
    unit: str
    text: str
    alerts: tuple[Alert, ...] = ()
    truncated: int = 0

    @property
    def firing(self) -> bool:
        """Whether it tells of something that is wrong now."""
        return self.type in {"alert.firing", "alert.reminder", "rule.error"}

    def written(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> "Notification":
        """From what `written` made."""
        alerts = tuple(Alert(**alert) for alert in value["alerts"])
        return cls(**{**value, "alerts": alerts})
