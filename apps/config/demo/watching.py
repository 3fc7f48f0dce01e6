"""What watches the traffic: an evaluator, an alert rule, and the webhook that its incident is told to.

Made through the API by the signed-in owner; a second demo finds them by name, makes nothing twice, and tells the
channel where it listens itself.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

__all__ = ["EVALUATIONS", "RULE_NAME", "SCORE_NAMES", "secret_of", "watch"]

CHANNEL_NAME = "Demo: webhook to a terminal"
RULE_NAME = "Demo: calls that fail"
RULE: Mapping[str, Any] = {
    "metric": "errors",
    "window": "5m",
    "every": "10s",
    "delay": "0s",
    "condition": {"type": "threshold", "above": 0},
}
EVALUATIONS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "Demo: is the answer supported by its sources?",
        "score_name": "groundedness",
        "evaluator": "groundedness",
        "settings": {},
        "target": "span",
        "share": 1,
    },
    {
        "name": "Demo: does the model refuse?",
        "score_name": "refusal",
        "evaluator": "refusal",
        "settings": {},
        "target": "span",
        "share": 1,
    },
)
SCORE_NAMES = frozenset(str(evaluation["score_name"]) for evaluation in EVALUATIONS)


class Owner(Protocol):
    """What is asked of a signed-in person (visitor.py)."""

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return a list."""

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make something."""

    def change(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change something that is there."""


def secret_of(folder: Path) -> str:
    """Return the webhook's secret, made by the first demo of an installation and kept for the next."""
    path = folder / "webhook-secret"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.touch(mode=0o600)
        temporary.write_text("whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(), encoding="ascii")
        temporary.replace(path)
    return path.read_text(encoding="ascii").strip()


def watch(owner: Owner, *, url: str, secret: str) -> None:
    """Make what is missing, and point the channel of an earlier demo at this one."""
    config = {"url": url, "secret": secret}
    channel = _named(owner.rows("channels"), CHANNEL_NAME)
    if channel is None:
        channel = owner.make("channels", {"name": CHANNEL_NAME, "kind": "webhook", "config": config})
    else:
        owner.change(f"channels/{channel['id']}", {"config": config})
    if _named(owner.rows("rules"), RULE_NAME) is None:
        owner.make("rules", {"name": RULE_NAME, "spec": dict(RULE), "channels": [channel["id"]]})
    there = owner.rows("evaluation-rules")
    for evaluation in EVALUATIONS:
        if _named(there, str(evaluation["name"])) is None:
            owner.make("evaluation-rules", dict(evaluation))


def _named(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((row for row in rows if row["name"] == name), None)
