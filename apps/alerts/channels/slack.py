"""A message in Slack, by an incoming webhook."""

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.alerts.calling import Caller
from apps.alerts.channels.base import DeliveryError, Envelope, Receipt, Setting
from apps.alerts.channels.http import body_of, posted
from apps.alerts.labels import labels_text
from apps.alerts.message import Notification

__all__ = ["Slack"]

_MOST_SHOWN = 8
_SIGNS = {
    "alert.firing": ":red_circle:",
    "alert.reminder": ":red_circle:",
    "alert.resolved": ":large_green_circle:",
    "rule.error": ":warning:",
}


class Slack:
    """Blocks: a headline, one paragraph a group, a link."""

    kind: ClassVar[str] = "slack"
    label: ClassVar[str] = "Slack"
    help: ClassVar[str] = "An incoming webhook of a Slack channel."
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            name="url", label="Webhook address", kind="url", secret=True, help="https://hooks.slack.com/services/…"
        ),
    )

    def send(self, note: Notification, envelope: Envelope, values: Mapping[str, str], caller: Caller) -> Receipt:
        """Slack says ok as text; anything else under a 200 is an error page of something in between."""
        receipt = posted(
            caller, values["url"], body=body_of(_message(note)), headers={}, now=envelope.at, stubborn=False
        )
        if receipt.answer.strip() != "ok":
            raise DeliveryError(
                "answered 200 without Slack's ok: this is no Slack webhook",
                status_code=receipt.status_code,
                answer=receipt.answer,
            )
        return receipt


def _message(note: Notification) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": f"{note.text}"[:150], "emoji": False}}
    ]
    for alert in note.alerts[:_MOST_SHOWN]:
        lines = [f"{_SIGNS.get(note.type, '')} *{_escaped(labels_text(alert.labels) or note.rule_name)}*"]
        lines += [_escaped(alert.reason), f"<{alert.url}|Incident> · <{alert.traces_url}|Traces>"]
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)[:3000]}})
    more = note.truncated + max(0, len(note.alerts) - _MOST_SHOWN)
    foot = (
        f"<{note.rule_url}|{_escaped(note.rule_name)}> · {_escaped(note.condition)}"
        if note.rule_url
        else note.project_name
    )
    foot += f" · and {more} more" if more else ""
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": foot[:2000]}]})
    return {"text": _escaped(note.text), "blocks": blocks}


def _escaped(text: str) -> str:
    """Slack's own three characters; a name must not become a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
