"""Made-up rules, incidents, channels and deliveries: rows of the application's database, one project a size."""

import math
import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.models import Project, User
from apps.alerts.backtest import Backtest, Episode, Judged
from apps.alerts.contexts import TraceLine
from apps.alerts.detectors.base import Outcome, Verdict
from apps.alerts.models import (
    Attempt,
    Channel,
    Comment,
    Delivery,
    Incident,
    MaintenanceWindow,
    Rule,
    Silence,
    Transition,
)
from apps.alerts.replay import Tried
from apps.alerts.series import Point
from apps.analytics.run import StoreUnavailable
from tests.browser.sample import HOSTILE, NOW

__all__ = ["ALERT_PAGES", "alert_answers", "fill_alerts", "id_of"]

ALERT_PAGES = {
    "alerts": "",
    "alerts-incident": "incidents/{incident}/",
    "alerts-rules": "rules/",
    "alerts-rule": "rules/{rule}/?tried=1",
    "alerts-channels": "channels/",
    "alerts-deliveries": "deliveries/",
    "alerts-quiet": "quiet/",
}
_RULES: tuple[tuple[str, str, str, list[str], str, float | None, float | None], ...] = (
    ("Cost of one user", "error", "cost", ["user"], "$4.12 in 5 minutes, usually $0.31", 4.12, 0.31),
    ("Errors of the assistant", "critical", "error_rate", [], "18.2% failed, over the limit of 5%", 0.182, 0.011),
    ("Slow answers", "warning", "latency_p95", ["model"], "21.4 s, usually 3.2 s at this hour", 21.4, 3.2),
    ("Groundedness at night", "warning", "requests", [], "", None, None),
    ("No traffic", "info", "requests", ["environment"], "", None, None),
)
_HOUR = timedelta(hours=1)


def id_of(what: str, size: str) -> str:
    """The id of a row that an address names."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{what}/{size}"))


def fill_alerts(project: Project, size: str, person: User) -> None:
    """Put the rows of a size into a project."""
    if size == "none":
        return
    broken = size == "broken"
    channels = _channels(project, size)
    rules = [_rule(project, size, at, channels, person) for at in range({"little": 1, "much": 5}.get(size, 2))]
    for at, rule in enumerate(rules[:3]):
        for back in range({"little": 1, "much": 8}.get(size, 1)):
            _incident(rule, size, at, back, channels, person)
    if size != "little":
        Silence.objects.create(
            project=project,
            rule=rules[0],
            labels={"user": "u-1207"},
            starts_at=NOW - _HOUR,
            ends_at=NOW + 3 * _HOUR,
            comment=HOSTILE * 4 if broken else "A load test of the video team",
            created_by=None if broken else person,
        )
        MaintenanceWindow.objects.create(
            project=project, name="Index rebuild", weekdays=[0, 6], starts="02:30", minutes=90, zone="Asia/Kolkata"
        )


def _channels(project: Project, size: str) -> list[Channel]:
    broken = size == "broken"
    wanted = [("On call", "webhook", {"url": "https://hooks.example.com/alerts/" + "x" * (160 if broken else 8)})]
    if size == "much":
        wanted += [
            ("#support-alerts", "slack", {}),
            ("Operations", "pagerduty", {}),
            ("Team", "email", {"to": "team@example.com"}),
        ]
    return [
        Channel.objects.create(
            project=project,
            name=HOSTILE if broken else name,
            kind=kind,
            config=config,
            created_at=NOW - timedelta(days=40),
            disabled_at=NOW - _HOUR if broken else None,
            disabled_reason="the receiver answered 410: it is gone" if broken else "",
        )
        for name, kind, config in wanted
    ]


def _rule(project: Project, size: str, at: int, channels: list[Channel], person: User) -> Rule:
    broken = size == "broken"
    name, severity, metric, group_by, _, _, _ = _RULES[at]
    condition: dict[str, Any] = {"type": "threshold", "above": 5}
    if at == 0:
        condition = {"type": "anomaly", "sensitivity": "medium", "direction": "up", "by": 0.5}
    spec = {"metric": metric, "group_by": group_by, "window": "5m", "condition": condition}
    rule = Rule.objects.create(
        id=id_of("rule", size) if at == 0 else uuid.uuid4(),
        project=project,
        name=f"{HOSTILE} {at}" if broken else name,
        severity=severity,
        spec={"metric": "gone"} if broken and at == 1 else spec,
        enabled=at != 4,
        created_by=person,
        created_at=NOW - timedelta(days=30),
        evaluated_at=NOW - timedelta(seconds=31),
        error="the store did not answer within 20 seconds " * 8 if broken else "",
        error_since=NOW - _HOUR if broken else None,
    )
    rule.channels.set(channels)
    return rule


def _incident(rule: Rule, size: str, at: int, back: int, channels: list[Channel], person: User) -> None:
    broken = size == "broken"
    _, severity, _, group_by, reason, value, usual = _RULES[at]
    started = NOW - timedelta(minutes=48) - timedelta(hours=back * 31 + at * 5)
    resolved = None if back == 0 and at < 2 else started + timedelta(minutes=37)
    labels = {name: HOSTILE if broken else f"{name[0]}-{1207 + back}" for name in group_by}
    incident = Incident.objects.create(
        id=id_of("incident", size) if at == back == 0 else uuid.uuid4(),
        project=rule.project,
        rule=rule,
        fingerprint=f"{at}-{back}",
        labels=labels,
        severity=severity,
        started_at=started,
        resolved_at=resolved,
        value=None if broken else value,
        baseline=None if broken else usual,
        reason=HOSTILE * 6 if broken else reason,
        acknowledged_at=started + timedelta(minutes=6) if back == 1 or (at == 0 and size == "much") else None,
        acknowledged_by=person,
        notified_at=started,
    )
    steps = [("inactive", "pending", -5), ("pending", "firing", 0), *([("firing", "resolved", 37)] if resolved else [])]
    for before, after, minutes in steps:
        Transition.objects.create(
            rule=rule,
            incident=incident,
            fingerprint=incident.fingerprint,
            labels=labels,
            before=before,
            after=after,
            at=started + timedelta(minutes=minutes),
            outcome="breached" if after != "resolved" else "clear",
            value=value,
            baseline=usual,
            lower=0.0,
            upper=1.4,
            reason=incident.reason if after != "resolved" else "back to what is usual",
        )
    if size != "little":
        Comment.objects.create(
            incident=incident, author=None if broken else person, at=started + timedelta(minutes=9),
            text=HOSTILE * 8 if broken else "A retry loop in the import job. Stopped it; the bill stays.",
        )  # fmt: skip
    for channel in channels:
        _delivery(incident, channel, broken=broken)


def _delivery(incident: Incident, channel: Channel, *, broken: bool) -> None:
    problem = "HTTP 502: <html><title>Bad gateway</title>" + " upstream" * 30 if broken else ""
    delivery = Delivery.objects.create(
        project=incident.project,
        channel=channel,
        rule=incident.rule,
        event=f"{incident.pk}/firing",
        type="incident.firing",
        payload={"type": "incident.firing", "data": {"alerts": [{"reason": incident.reason}]}},
        status=Delivery.Status.FAILED if broken else Delivery.Status.SENT,
        created_at=incident.started_at,
        due_at=incident.started_at,
        attempts=12 if broken else 1,
        finished_at=incident.started_at + timedelta(seconds=2),
        problem=problem[:500],
    )
    delivery.incidents.add(incident)
    Attempt.objects.create(
        delivery=delivery,
        at=incident.started_at + timedelta(seconds=1),
        seconds=0.21 if not broken else 15.0,
        status_code=502 if broken else 204,
        answer="<html>Bad gateway</html>" if broken else "",
        problem=problem[:500],
    )


def alert_answers(size: Callable[[], str]) -> dict[str, Callable[..., Any]]:
    """What the reads behind the pages say: course, backtest, examples. Of a broken installation the store is away."""

    def away() -> None:
        if size() == "broken":
            raise StoreUnavailable("the store at 127.0.0.1:9000 does not answer")

    def course_of(*given: object, **more: object) -> Backtest:
        away()
        return _course()

    def tried_on(*given: object, **more: object) -> Tried:
        away()
        return Tried(start=NOW - timedelta(days=30), end=NOW, groups=(_course(),))

    def examples_of(*given: object, **more: object) -> tuple[TraceLine, ...]:
        away()
        lines = ("import-job", "answer-question", "summarise-ticket")
        return tuple(
            TraceLine(
                name=name,
                href="#",
                start=NOW - timedelta(minutes=40 + at),
                status="error" if at else "ok",
                user="u-1207",
                cost=None if at == 2 else Decimal("0.31") * (3 - at),
                duration=2.4 + at,
                said="Where is my refund?",
            )
            for at, name in enumerate(lines if size() == "much" else lines[:1])
        )

    return {"course_of": course_of, "tried_on": tried_on, "examples_of": examples_of}


def _course() -> Backtest:
    """A day by the five minutes: what is usual, a band about it, and a spike that fires; an hour without data."""
    chance = random.Random(11)
    judged = []
    for at in range(288):
        start = NOW - timedelta(minutes=5 * (288 - at))
        usual = 0.3 + 0.2 * math.sin(at / 46)
        firing = at >= 278
        value = None if 120 <= at < 132 else usual * chance.uniform(0.7, 1.3) + (3.4 if firing else 0)
        outcome = Outcome.NO_DATA if value is None else Outcome.BREACHED if firing else Outcome.CLEAR
        verdict = Verdict(
            outcome=outcome, reason="", value=value, baseline=usual, lower=max(0.0, usual - 0.25), upper=usual + 0.35
        )
        judged.append(Judged(Point(start, value, 12), verdict, firing))
    episode = Episode({"user": "u-1207"}, judged[278].point.start, None, 4.12, _RULES[0][4])
    return Backtest(labels={"user": "u-1207"}, episodes=(episode,), judged=tuple(judged))
