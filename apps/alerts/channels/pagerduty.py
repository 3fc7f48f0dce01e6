"""PagerDuty, by Events API v2: one event a group; the fingerprint makes firing and resolved one alert there."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from apps.alerts.calling import Caller
from apps.alerts.channels.base import DeliveryError, Envelope, Receipt, Setting
from apps.alerts.channels.http import body_of, posted
from apps.alerts.labels import labels_text
from apps.alerts.message import Alert, Notification

__all__ = ["PagerDuty"]

_ADDRESS = "https://events.pagerduty.com/v2/enqueue"


class PagerDuty:
    """Trigger and resolve."""

    kind: ClassVar[str] = "pagerduty"
    label: ClassVar[str] = "PagerDuty"
    help: ClassVar[str] = "The integration key of a service, for Events API v2."
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(name="routing_key", label="Integration key", secret=True, help="32 characters."),
        Setting(name="url", label="Address", kind="url", required=False, help="Empty: PagerDuty's own."),
    )

    def send(self, note: Notification, envelope: Envelope, values: Mapping[str, str], caller: Caller) -> Receipt:
        """One event after another. A second attempt repeats some, which their key makes harmless."""
        url = values.get("url") or _ADDRESS
        receipt = Receipt()
        for event in _events(note):
            body = body_of({"routing_key": values["routing_key"], **event})
            receipt = posted(caller, url, body=body, headers={}, now=envelope.at, stubborn=False)
            if not _accepted(receipt.answer):
                raise DeliveryError(
                    "answered 2xx without PagerDuty's success: this is no PagerDuty",
                    status_code=receipt.status_code,
                    answer=receipt.answer,
                )
        return receipt


def _accepted(answer: str) -> bool:
    try:
        said = json.loads(answer)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("status") == "success"


def _events(note: Notification) -> list[dict[str, Any]]:
    if note.alerts:
        return [_event(note, alert) for alert in note.alerts]
    summary = note.text[:1024]
    return [
        {
            "event_action": "trigger" if note.firing or note.type == "channel.test" else "resolve",
            "dedup_key": f"spanmeter-{note.rule or 'test'}-rule",
            "payload": {
                "summary": summary,
                "source": note.project,
                "severity": "info" if note.type == "channel.test" else note.severity,
                "timestamp": note.timestamp,
            },
            "client": "Spanmeter",
            "client_url": note.rule_url,
        }
    ]


def _event(note: Notification, alert: Alert) -> dict[str, Any]:
    named = labels_text(alert.labels)
    summary = f"{note.rule_name}{f' ({named})' if named else ''}: {alert.reason}"
    return {
        "event_action": "trigger" if alert.status == "firing" else "resolve",
        "dedup_key": f"spanmeter-{alert.fingerprint}",
        "payload": {
            "summary": summary[:1024],
            "source": note.project,
            "severity": note.severity,
            "timestamp": alert.started_at,
            "component": note.metric,
            "group": note.rule_name[:255],
            "class": note.type,
            "custom_details": {
                "value": alert.value,
                "baseline": alert.baseline,
                "condition": note.condition,
                "labels": dict(alert.labels),
                "description": note.description,
            },
        },
        "links": [{"href": alert.url, "text": "Incident"}, {"href": alert.traces_url, "text": "Traces"}],
        "client": "Spanmeter",
        "client_url": alert.url,
    }
