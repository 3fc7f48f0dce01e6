"""The whole product under simulated traffic: a user whose cost jumps and a burst of errors become incidents whose
webhooks arrive, signed; users who behave as on every day at this hour raise nothing.
"""

import random
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from standardwebhooks import Webhook

from tests.apps.alerts.receiver import receiver
from tests.journey.stack import Stack, eventually, running_stack

pytestmark = pytest.mark.timeout(280)
DAY = 86_400
USERS = ("maria", "sam", "wei")
COST: dict[str, Any] = {
    "metric": "cost", "group_by": ["user"], "window": "5m", "every": "10s", "delay": "0s",
    "condition": {"type": "anomaly", "direction": "up", "by": 0.5, "least": 0.05},
}  # fmt: skip
ERRORS: dict[str, Any] = {
    "metric": "error_rate", "window": "5m", "every": "10s", "delay": "0s", "min_samples": 10,
    "condition": {"type": "threshold", "above": 0.5},
}  # fmt: skip


class Visitor:
    """A person at the API, signed in through the form."""

    def __init__(self, stack: Stack) -> None:
        self._client = httpx.Client(base_url=stack.web, timeout=30)
        self._project = stack.bootstrap["project"]
        login = self._client.get("/accounts/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', login)
        assert token is not None
        form = {
            "login": stack.bootstrap["email"],
            "password": stack.bootstrap["password"],
            "csrfmiddlewaretoken": token[1],
        }
        self._client.post("/accounts/login/", data=form, headers={"referer": stack.web})

    def post(self, path: str, body: Any) -> Any:
        """Make something."""
        headers = {"x-csrftoken": self._client.cookies["csrftoken"], "referer": stack_origin(self._client)}
        answer = self._client.post(f"/api/v1/{path}?project={self._project}", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def close(self) -> None:
        """Leave."""
        self._client.close()


def stack_origin(client: httpx.Client) -> str:
    """What a browser would send as referrer."""
    return str(client.base_url)


def export(stack: Stack, calls: list[tuple[float, str, int, bool]]) -> None:
    """Send finished calls as an OpenTelemetry exporter does: moment, user, output tokens, whether it failed."""
    rng = random.Random(len(calls))
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for moment, user, tokens, failed in calls:
        span = scope.spans.add(trace_id=rng.randbytes(16), span_id=rng.randbytes(8), name="chat gpt-4o")
        span.start_time_unix_nano = int(moment * 1e9)
        span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000_000
        if failed:
            span.status.code = Status.STATUS_CODE_ERROR
        texts = (
            ("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "openai"), ("user.id", user),
            ("gen_ai.request.model", "gpt-4o"), ("gen_ai.response.model", "gpt-4o-2024-08-06"),
        )  # fmt: skip
        for key, value in texts:
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 100
        span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = tokens
    headers = {
        "authorization": f"Bearer {stack.bootstrap['secret_key']}",
        "content-type": "application/x-protobuf",
    }
    answer = httpx.post(f"{stack.gateway}/v1/traces", content=request.SerializeToString(), headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text


def usual(now: float) -> list[tuple[float, str, int, bool]]:
    """Three users at this hour of the last nine days and now: a few calls every five minutes, none dear."""
    rng = random.Random(5)
    return [
        (now - day * DAY + minute * 60 + rng.uniform(0, 250), user, round(rng.gauss(400, 60)), rng.random() < 0.02)
        for day in range(10)
        for minute in range(-90, 90 if day else -5, 5)
        for user in USERS
        for _ in range(4)
    ]


def test_a_cost_spike_and_an_error_burst_arrive_and_a_usual_hour_does_not(tmp_path: Path) -> None:
    """One after the other, on the running product."""
    settings = {"SPANMETER_ALLOWED_WEBHOOK_HOSTS": "127.0.0.1"}
    with receiver() as post, running_stack(tmp_path / "home", settings=settings) as stack:
        visitor = Visitor(stack)
        made = visitor.post("channels", {"name": "hook", "kind": "webhook", "config": {"url": post.url}})
        now = time.time()
        history = usual(now)
        for at in range(0, len(history), 1000):
            export(stack, history[at : at + 1000])
        export(stack, [(now - 120, user, 400, False) for user in USERS])
        eventually(lambda: stack.query("SELECT count() FROM spans")[0][0] == len(history) + 3, seconds=60)
        assert stack.query("SELECT countIf(cost_usd IS NULL) FROM spans")[0][0] == 0
        for name, spec in (("Cost of a user", COST), ("Errors", ERRORS)):
            visitor.post("rules", {"name": name, "spec": spec, "channels": [made["id"]]})
        visitor.close()

        def judged() -> bool:
            return all(row["evaluated_at"] for row in stack.api("rules")["data"])

        eventually(judged, seconds=60, told=lambda: str(stack.api("rules")))
        assert stack.api("incidents")["data"] == [], "a usual hour raised an alarm"

        export(stack, [(time.time() - 100, "sam", 40_000, False) for _ in range(6)])
        assert post.wait_for(1, seconds=90), str(stack.api("rules"))
        said = Webhook(made["made"]["secret"]).verify(post.got[0].body, post.got[0].headers)
        (alert,) = said["data"]["alerts"]
        assert (said["type"], alert["labels"]) == ("alert.firing", {"user": "sam"})
        assert alert["value"] > 2 > 0.2 > alert["baseline"]
        assert "is usual" in alert["reason"]

        export(stack, [(time.time() - 90, user, 10, True) for user in USERS for _ in range(30)])
        assert post.wait_for(2, seconds=90), str(stack.api("rules"))
        second = Webhook(made["made"]["secret"]).verify(post.got[1].body, post.got[1].headers)
        assert (second["data"]["rule_name"], second["data"]["alerts"][0]["labels"]) == ("Errors", {})
        opened = {(row["rule_name"], row["labels"].get("user")) for row in stack.api("incidents")["data"]}
        assert opened == {("Cost of a user", "sam"), ("Errors", None)}
        assert len(set(post.ids())) == len(post.got)
