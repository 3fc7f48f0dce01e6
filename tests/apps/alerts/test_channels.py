"""Every channel against a real receiver: what arrives, and what each answer means."""

import base64
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings
from standardwebhooks import Webhook as Oracle

from apps.alerts import channels as registry
from apps.alerts.calling import Caller, CallFailed, address_problem
from apps.alerts.channels import CHANNELS, DeliveryError, Envelope
from apps.alerts.channels.http import retry_after_of
from apps.alerts.channels.values import values_checked
from apps.alerts.channels.webhook import secret_made
from apps.api.rule_error import RuleError
from tests.apps.alerts.notes import FIRING, HOSTILE, RESOLVED
from tests.apps.alerts.receiver import Receiver, Said, dripping, receiver

LOCAL = Caller(allowed=["127.0.0.1"], seconds=5)


def envelope() -> Envelope:
    """Of now: a receiver refuses what is older than five minutes, and a test may run long after it was read."""
    return Envelope("msg_1", datetime.now(UTC))


@pytest.fixture
def post() -> Iterator[Receiver]:
    """Somebody who listens."""
    with receiver() as started:
        yield started


def webhook(post: Receiver, **more: str) -> dict[str, str]:
    return {"url": post.url, "secret": secret_made(), **more}


def refused(kind: str, values: dict[str, str], caller: Caller = LOCAL) -> DeliveryError:
    """Send, and return why it did not arrive."""
    with pytest.raises(DeliveryError) as caught:
        CHANNELS[kind].send(FIRING, envelope(), values, caller)
    return caught.value


def test_a_webhook_is_what_the_specifications_own_library_verifies(post: Receiver) -> None:
    values = webhook(post)
    receipt = CHANNELS["webhook"].send(FIRING, envelope(), values, LOCAL)
    assert receipt.status_code == 200
    (got,) = post.got
    said = Oracle(values["secret"]).verify(got.body, got.headers)
    assert said["type"] == "alert.firing"
    assert said["data"]["alerts"][0]["labels"]["user"] == HOSTILE
    assert said["timestamp"] == FIRING.timestamp
    assert got.headers["webhook-id"] == "msg_1"
    assert got.headers["content-type"] == "application/json"
    assert len(got.body) < 20_000


def test_a_changed_body_or_another_secret_does_not_verify(post: Receiver) -> None:
    CHANNELS["webhook"].send(FIRING, envelope(), webhook(post), LOCAL)
    (got,) = post.got
    with pytest.raises(Exception, match="signature"):
        Oracle(secret_made()).verify(got.body, got.headers)


def test_while_a_secret_is_changed_both_verify(post: Receiver) -> None:
    old, new = secret_made(), secret_made()
    CHANNELS["webhook"].send(FIRING, envelope(), {"url": post.url, "secret": f"{new} {old}"}, LOCAL)
    (got,) = post.got
    for secret in (old, new):
        Oracle(secret).verify(got.body, got.headers)


def test_the_id_stays_and_the_timestamp_is_of_the_attempt(post: Receiver) -> None:
    values, at = webhook(post), envelope().at
    for minutes in (0, 3):
        later = Envelope("msg_1", at + timedelta(minutes=minutes))
        CHANNELS["webhook"].send(FIRING, later, values, LOCAL)
    first, second = post.got
    assert post.ids() == ["msg_1", "msg_1"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 180
    assert first.body == second.body


@pytest.mark.parametrize("status", [199 + 101, 301, 302, 307, 308, 400, 404, 418, 500, 503])
def test_only_2xx_is_a_yes(post: Receiver, status: int) -> None:
    post.answer = lambda _: Said(status, headers=(("location", post.url + "/elsewhere"),))
    error = refused("webhook", webhook(post))
    assert error.status_code == status
    assert not error.permanent
    assert len(post.got) == 1, "a redirect was followed"


def test_410_ends_the_channel(post: Receiver) -> None:
    post.answer = lambda _: Said(410)
    error = refused("webhook", webhook(post))
    assert (error.permanent, error.disable) == (True, True)


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_says_when_to_come_back(post: Receiver, status: int) -> None:
    post.answer = lambda _: Said(status, headers=(("retry-after", "120"),))
    assert refused("webhook", webhook(post)).retry_after == 120


def test_retry_after_may_be_a_date_and_nonsense_is_ignored() -> None:
    now = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
    assert retry_after_of({"Retry-After": "Wed, 20 May 2026 12:01:30 GMT"}, now=now) == 90
    assert retry_after_of({"retry-after": "Wed, 20 May 2020 12:01:30 GMT"}, now=now) == 0
    assert retry_after_of({"retry-after": "999999999"}, now=now) == 86_400
    for nonsense in ("soon", "-5", "", "1e9", "\u0661"):
        assert retry_after_of({"retry-after": nonsense}, now=now) is None


def test_a_receiver_that_never_answers_ends_with_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(CallFailed, match=r"no answer within 0\.3 s"):
            Caller(allowed=["127.0.0.1"], seconds=0.3).post(url, body=b"{}", headers={})


@pytest.mark.parametrize("piece", [b"H", b"HTTP/1.1 200 OK\r\nx: "], ids=["status", "headers"])
def test_a_receiver_that_answers_a_byte_at_a_time_ends_with_the_time_out(piece: bytes) -> None:
    with dripping(piece) as url, pytest.raises(CallFailed):
        Caller(allowed=["127.0.0.1"], seconds=0.5).post(url, body=b"{}", headers={})


def test_an_endless_answer_is_cut(post: Receiver) -> None:
    post.answer = lambda _: Said(200, b"x" * 5_000_000)
    answer = LOCAL.post(post.url, body=b"{}", headers={})
    assert (answer.status_code, len(answer.text)) == (200, 2000)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.169.254", "172.16.0.1", "0.0.0.0", "100.64.0.1", "224.0.0.1",  # noqa: S104
     "::1", "fd00::1", "fe80::1%eth0", "::ffff:127.0.0.1", "2002:7f00:1::", "::"],
)  # fmt: skip
def test_private_addresses_are_refused_whatever_name_leads_there(address: str) -> None:
    caller = Caller(resolve=lambda host, port: ["93.184.216.34", address])
    with pytest.raises(CallFailed, match="private address") as caught:
        caller.post("https://innocent.example/hook", body=b"{}", headers={})
    assert caught.value.permanent
    assert "SPANMETER_ALLOWED_WEBHOOK_HOSTS: innocent.example" in caught.value.message


def test_a_numeric_address_in_disguise_is_private_too() -> None:
    for host in ("2130706433", "0x7f000001", "127.1", "localhost", "[::1]"):
        with pytest.raises(CallFailed):
            Caller(seconds=2).post(f"http://{host}:9/", body=b"{}", headers={})


def test_the_address_that_was_checked_is_the_one_that_is_called(post: Receiver) -> None:
    # A name that changes its answer: the second one is never asked for.
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    port = post.url.split(":")[2].split("/")[0]
    caller = Caller(allowed=["hooks.example"], resolve=resolve)
    caller.post(f"http://hooks.example:{port}/hook", body=b"{}", headers={})
    assert asked == ["hooks.example"]
    assert post.got[0].headers["host"] == f"hooks.example:{port}"


def test_proxies_of_the_environment_are_not_used(post: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert LOCAL.post(post.url, body=b"{}", headers={}).status_code == 200


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "example.com", "http://", "http://user:pw@example.com/", "file:///etc/passwd",
            "http://example.com:0/", "http://example.com:99999/", "http://[::1/"]
)  # fmt: skip
def test_what_is_no_address_is_not_called(url: str) -> None:
    assert address_problem(url)
    with pytest.raises(CallFailed):
        LOCAL.post(url, body=b"", headers={})


def test_alertmanager_gets_its_own_shape(post: Receiver) -> None:
    CHANNELS["alertmanager"].send(FIRING, envelope(), {"url": post.url, "token": "t-1"}, LOCAL)
    CHANNELS["alertmanager"].send(RESOLVED, envelope(), {"url": post.url}, LOCAL)
    firing, resolved = (json.loads(got.body) for got in post.got)
    assert post.got[0].headers["authorization"] == "Bearer t-1"
    assert (firing["version"], firing["status"], resolved["status"]) == ("4", "firing", "resolved")
    assert set(firing) == {
        "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
        "commonAnnotations", "externalURL", "alerts",
    }  # fmt: skip
    alert = firing["alerts"][0]
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"
    assert alert["labels"] == {
        "user": HOSTILE, "alertname": "Cost of a user", "severity": "critical", "project": "assistant",
    }  # fmt: skip
    assert resolved["alerts"][0]["endsAt"] == "2026-05-20T13:00:00.000Z"
    assert firing["groupKey"] == resolved["groupKey"]
    assert alert["fingerprint"] == resolved["alerts"][0]["fingerprint"]


def test_slack_gets_blocks_in_which_a_name_is_no_mention(post: Receiver) -> None:
    CHANNELS["slack"].send(FIRING, envelope(), {"url": post.url}, LOCAL)
    said = json.loads(post.got[0].body)
    assert "<!channel>" not in said["text"]
    assert "&lt;!channel&gt;" in said["blocks"][1]["text"]["text"]
    assert len(said["blocks"][0]["text"]["text"]) <= 150


def test_an_error_page_under_a_200_is_not_slack(post: Receiver) -> None:
    post.answer = lambda _: Said(200, b"<html>Captive portal</html>")
    assert "no Slack webhook" in refused("slack", {"url": post.url}).message


def test_pagerduty_joins_firing_and_resolved_by_one_key(post: Receiver) -> None:
    post.answer = lambda _: Said(202, b'{"status":"success","dedup_key":"k"}')
    for note in (FIRING, RESOLVED):
        CHANNELS["pagerduty"].send(note, envelope(), {"url": post.url, "routing_key": "r" * 32}, LOCAL)
    first, second = (json.loads(got.body) for got in post.got)
    assert (first["event_action"], second["event_action"]) == ("trigger", "resolve")
    assert first["dedup_key"] == second["dedup_key"]
    assert len(first["payload"]["summary"]) <= 1024
    assert first["payload"]["severity"] == "critical"
    post.answer = lambda _: Said(200, b"<html>hello</html>")
    assert "no PagerDuty" in refused("pagerduty", {"url": post.url, "routing_key": "r"}).message
    post.answer = lambda _: Said(400, b'{"status":"invalid event"}')
    assert refused("pagerduty", {"url": post.url, "routing_key": "r"}).permanent


def test_mail_has_one_subject_line_and_one_id() -> None:
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        CHANNELS["email"].send(FIRING, envelope(), {"to": "a@example.org, b@example.org"}, LOCAL)
    (message,) = mail.outbox
    assert message.to == ["a@example.org", "b@example.org"]
    assert "\n" not in message.subject
    assert "Bcc" not in message.message()
    assert message.extra_headers["Message-ID"] == "<msg_1@spanmeter>"
    assert "12.5 is above" in message.body


def test_without_a_mail_server_mail_says_what_is_missing() -> None:
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend"):
        error = refused("email", {"to": "a@example.org"})
    assert error.permanent
    assert "SPANMETER_EMAIL_URL" in error.message


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("pigeon", {}, "kind"),
        ("webhook", {}, "config.url"),
        ("webhook", {"url": "javascript:alert(1)"}, "config.url"),
        ("webhook", {"url": "https://example.com", "secret": "not base64!"}, "config.secret"),
        ("webhook", {"url": "https://example.com", "colour": "red"}, "config.colour"),
        ("webhook", {"url": 5}, "config.url"),
        ("alertmanager", {"url": "https://example.com", "token": "a\r\nx: y"}, "config.token"),
        ("email", {"to": "nobody"}, "config.to"),
        ("slack", {}, "config.url"),
    ],
)
def test_wrong_settings_of_a_channel_name_their_field(kind: str, values: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleError) as caught:
        values_checked(kind, values)
    assert caught.value.field == field


def test_a_webhook_without_a_secret_gets_one_of_256_bits() -> None:
    checked = values_checked("webhook", {"url": "https://example.com"})
    assert len(base64.b64decode(checked.made["secret"].removeprefix("whsec_"))) == 32
    assert checked.secrets == checked.made
    assert "secret" not in checked.config


def test_every_file_of_a_channel_is_registered_and_documented() -> None:
    folder = Path(registry.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base", "http", "values"}
    assert files == set(CHANNELS)
    documented = (folder.parents[2] / "docs" / "alerts.md").read_text()
    assert [kind for kind in CHANNELS if f"`{kind}`" not in documented] == []


def test_one_more_channel_is_one_object_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    class Pager:
        kind, label, help, settings = "pager", "Pager", "", ()

        def send(self, note: Any, envelope: Envelope, values: Any, caller: Caller) -> Any:
            said.append(note.text)

    monkeypatch.setitem(CHANNELS, "pager", Pager())
    assert values_checked("pager", {}).config == {}
    CHANNELS["pager"].send(FIRING, envelope(), {}, LOCAL)
    assert said == [FIRING.text]
