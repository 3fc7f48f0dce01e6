"""Rules, channels and a clock for tests of evaluation: `Watching` leads a project through time against a real store."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.accounts.models import Project
from apps.alerts.calling import Caller
from apps.alerts.channel_services import channel_create
from apps.alerts.deliver import deliver_due
from apps.alerts.evaluate import evaluate_due
from apps.alerts.models import Channel, Delivery, Incident, Rule, Transition
from apps.alerts.services import rule_create
from apps.analytics.run import Reads
from tests.rows import NOW

__all__ = ["ERRORS", "Watching"]

ERRORS: dict[str, Any] = {
    "metric": "errors",
    "window": "5m",
    "keep_firing": "0s",
    "condition": {"type": "threshold", "above": 3},
}


@dataclass
class Watching:
    """`now` moves; `caller` may call this machine."""

    project: Project
    reads: Reads
    now: datetime = NOW
    caller: Caller = field(default_factory=lambda: Caller(allowed=["127.0.0.1"], seconds=5))

    def channel(self, url: str, name: str = "hook") -> Channel:
        """A webhook."""
        return channel_create(project=self.project, name=name, kind="webhook", values={"url": url}).channel

    def rule(self, spec: dict[str, Any] | None = None, *channels: Channel, **more: Any) -> Rule:
        """A rule that is due."""
        given = {"name": "rule", "spec": {**ERRORS, **(spec or {})}, **more}
        return rule_create(project=self.project, channels=[str(one.pk) for one in channels], now=self.now, **given)

    def minutes(self, count: int = 1) -> None:
        """Let time pass minute by minute, evaluating each."""
        for _ in range(count):
            self.now += timedelta(minutes=1)
            evaluate_due(self.reads, now=self.now)

    def look(self) -> int:
        """Evaluate what is due now."""
        return evaluate_due(self.reads, now=self.now)

    def deliver(self) -> int:
        """Send what is due now."""
        return deliver_due(clock=lambda: self.now, caller=self.caller)

    def phases(self) -> list[str]:
        """Every change, in order."""
        return [f"{one.before} > {one.after}" for one in Transition.objects.filter(rule__project=self.project)]

    def open(self) -> list[Incident]:
        """Incidents that are not over."""
        return list(Incident.objects.filter(project=self.project, resolved_at=None))

    def outbox(self) -> list[tuple[str, str]]:
        """Type and status of each delivery, oldest first."""
        return list(
            Delivery.objects.filter(project=self.project).order_by("created_at", "id").values_list("type", "status")
        )
