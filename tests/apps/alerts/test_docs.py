"""What docs/alerts.md says is so: its rule is read, its receiver runs, its waits are the schedule."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.alerts.channels.webhook import signature_of
from apps.alerts.detectors import DETECTORS
from apps.alerts.retry import SCHEDULE
from apps.alerts.spec import spec_from

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "alerts.md").read_text()


def block(language: str) -> str:
    """The first code block of a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_rule_on_the_page_is_one() -> None:
    spec = spec_from(json.loads(block("json")))
    assert "Cost by user is unusually high" in spec.said()


def test_the_receiver_on_the_page_takes_what_we_send() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("python"), "docs/alerts.md", "exec"), names)  # noqa: S102
    body = json.dumps({"type": "alert.firing", "data": {"alerts": [{"reason": "9 is above 3"}]}}).encode()
    at = str(int(datetime.now(UTC).timestamp()))
    secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    headers = {"webhook-id": "m", "webhook-timestamp": at, "webhook-signature": signature_of(secret, "m", at, body)}
    assert names["handle"](body, headers) == "alert.firing: 9 is above 3"


def test_every_condition_is_on_the_page_and_the_waits_are_those_of_the_code() -> None:
    assert [kind for kind in DETECTORS if f"| `{kind}` |" not in PAGE] == []
    said = re.search(r"Tried again after (.*?), each give or take", PAGE, re.DOTALL)
    assert said is not None
    units = {"s": 1, "min": 60, "h": 3600}
    waits = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", said[1])]
    assert waits == [int(one.total_seconds()) for one in SCHEDULE]
