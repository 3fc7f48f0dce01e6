"""A webhook in the shape of Prometheus Alertmanager, version 4: whatever receives those receives ours."""

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.alerts.calling import Caller
from apps.alerts.channels.base import Envelope, Receipt, Setting
from apps.alerts.channels.http import body_of, posted
from apps.alerts.message import Alert, Notification

__all__ = ["Alertmanager"]

_NOT_YET = "0001-01-01T00:00:00Z"


class Alertmanager:
    """POST a group of alerts."""

    kind: ClassVar[str] = "alertmanager"
    label: ClassVar[str] = "Alertmanager webhook"
    help: ClassVar[str] = "The JSON that Prometheus Alertmanager sends to webhook receivers."
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(name="url", label="Address", kind="url"),
        Setting(name="token", label="Bearer token", secret=True, required=False, help="Sent as Authorization."),
    )

    def send(self, note: Notification, envelope: Envelope, values: Mapping[str, str], caller: Caller) -> Receipt:
        """The id travels as a header, for receivers that drop repeats."""
        headers = {"webhook-id": envelope.id}
        if values.get("token"):
            headers["authorization"] = f"Bearer {values['token']}"
        return posted(caller, values["url"], body=body_of(_group(note)), headers=headers, now=envelope.at)


def _group(note: Notification) -> dict[str, Any]:
    common = {"alertname": note.rule_name, "severity": note.severity, "project": note.project}
    alerts = [_alert(note, alert, common) for alert in note.alerts] or [_bare(note, common)]
    return {
        "version": "4",
        "groupKey": f'{{}}/{{rule="{note.rule}"}}',
        "truncatedAlerts": note.truncated,
        "status": "firing" if note.firing else "resolved",
        "receiver": "spanmeter",
        "groupLabels": {"alertname": note.rule_name},
        "commonLabels": common,
        "commonAnnotations": {"description": note.description, "condition": note.condition},
        "externalURL": note.rule_url,
        "alerts": alerts,
    }


def _alert(note: Notification, alert: Alert, common: dict[str, str]) -> dict[str, Any]:
    return {
        "status": alert.status,
        "labels": {**alert.labels, **common},
        "annotations": {
            "summary": alert.reason,
            "description": note.description,
            "value": "" if alert.value is None else f"{alert.value:g}",
            "baseline": "" if alert.baseline is None else f"{alert.baseline:g}",
        },
        "startsAt": alert.started_at,
        "endsAt": alert.ended_at or _NOT_YET,
        "generatorURL": alert.url,
        "fingerprint": alert.fingerprint[:16],
    }


def _bare(note: Notification, common: dict[str, str]) -> dict[str, Any]:
    """A message about the rule itself, or a test, has no group."""
    return {
        "status": "firing" if note.firing else "resolved",
        "labels": common,
        "annotations": {"summary": note.text, "description": note.description},
        "startsAt": note.timestamp,
        "endsAt": _NOT_YET if note.firing else note.timestamp,
        "generatorURL": note.rule_url,
        "fingerprint": note.rule.replace("-", "")[:16],
    }
