"""Pages of alerts: what a member does, what a viewer may not, what an outsider does not see."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.alerts.calling import Caller
from apps.alerts.channel_services import channel_create
from apps.alerts.evaluate import evaluate_due
from apps.alerts.models import Channel, Comment, Delivery, Incident, MaintenanceWindow, Rule, Silence
from apps.alerts.services import rule_create
from apps.analytics.run import StoreUnavailable, reads
from ingestion.records import SpanStatus
from ingestion.store.client import Store
from tests.apps.alerts.receiver import Receiver, receiver
from tests.apps.alerts.watching import ERRORS
from tests.apps.visitors import assert_members_alone_see, signed_in, viewer_of
from tests.conftest import People
from tests.rows import Bench, call_at

pytestmark = pytest.mark.usefixtures("reading")
FORM = {
    "name": "Errors", "severity": "error", "metric": "errors", "window": "5m", "condition": "threshold",
    "side": "above",
    "limit": "3", "hold": "0s", "keep_firing": "5m", "no_data": "keep_last", "repeat": "4h", "enabled": "on",
    "filters": "environment != staging\nuser = u-1", "group_by": ["user"],
}  # fmt: skip


@pytest.fixture
def fired(store: Store, people: People) -> Incident:
    """An incident of five minutes ago, of user u-1, whose name tries to be markup."""
    now = datetime.now(UTC)
    hook = channel_create(project=people.project, name="hook", kind="webhook", values={"url": "https://example.com/"})
    rule_create(
        project=people.project, name="Errors <b>", spec={**ERRORS, "window": "30m", "group_by": ["user"]},
        channels=[str(hook.channel.pk)], now=now,
    )  # fmt: skip
    calls = [
        call_at(now - timedelta(minutes=5), status=SpanStatus.ERROR, user_id="<script>u", trace_name="chat")
        for _ in range(6)
    ]
    Bench(store, people.project.pk).spans(*calls)
    evaluate_due(reads(), now=now)
    return Incident.objects.get()


def page(people: People, path: str = "") -> str:
    return f"/p/{people.project.slug}/alerts/{path}"


def paths_of(people: People, fired: Incident) -> list[str]:
    rest = (
        "", "?state=open", "?page=1", f"incidents/{fired.pk}/", "rules/", "rules/new/", f"rules/{fired.rule_id}/",
        "channels/", "channels/?kind=slack", f"channels/?edit={Channel.objects.get().pk}", "deliveries/", "quiet/",
    )  # fmt: skip
    return [page(people, path) for path in rest]


def test_members_see_every_page_and_outsiders_none(people: People, fired: Incident) -> None:
    assert_members_alone_see(people, paths_of(people, fired))
    assert Client().get(page(people)).status_code == 302


def test_ids_of_another_project_are_ids_of_nothing(people: People, fired: Incident) -> None:
    client = signed_in(people.outsider)
    theirs = f"/p/{people.other.slug}/alerts/"
    channel, delivery = Channel.objects.get(), Delivery.objects.get()
    for path in (f"incidents/{fired.pk}/", f"rules/{fired.rule_id}/", f"channels/?edit={channel.pk}", "incidents/x/"):
        assert client.get(theirs + path).status_code == 404, path
    posts = (f"channels/{channel.pk}/", f"deliveries/{delivery.pk}/replay/", f"rules/{fired.rule_id}/delete/")
    for path in (*posts, f"incidents/{fired.pk}/", f"rules/{fired.rule_id}/"):
        assert client.post(theirs + path, {"do": "delete"}).status_code == 404, path
    assert (Rule.objects.count(), Channel.objects.count()) == (1, 1)


def test_a_viewer_looks_and_changes_nothing(people: People, fired: Incident) -> None:
    client = signed_in(viewer_of(people))
    assert client.get(page(people, f"rules/{fired.rule_id}/")).status_code == 200
    assert client.get(page(people, "rules/new/")).status_code == 403
    for path in (
        f"rules/{fired.rule_id}/",
        f"rules/{fired.rule_id}/delete/",
        f"incidents/{fired.pk}/",
        "quiet/",
        "channels/",
    ):
        assert client.post(page(people, path), {"do": "delete"}).status_code == 403, path
    client.force_login(people.bob)  # channels hold secrets: a member may not
    assert client.post(page(people, "channels/"), {"name": "x"}).status_code == 403


def test_names_from_traffic_stay_text(alice: Client, people: People, fired: Incident) -> None:
    for path in paths_of(people, fired):
        text = alice.get(path).content.decode()
        assert "<script>u" not in text
        assert "Errors <b>" not in text


def test_a_rule_is_made_changed_and_deleted_by_form(alice: Client, people: People) -> None:
    answer = alice.post(page(people, "rules/new/"), {**FORM, "do": "save"})
    rule = Rule.objects.get()
    assert answer["location"] == page(people, f"rules/{rule.pk}/")
    assert rule.spec["filters"] == [
        {"field": "environment", "values": ["staging"], "negated": True},
        {"field": "user", "values": ["u-1"], "negated": False},
    ]
    assert rule.spec["condition"] == {"type": "threshold", "above": 3.0}
    assert rule.spec["time_zone"] == settings.TIME_ZONE
    form = alice.get(page(people, f"rules/{rule.pk}/")).context["form"]
    shown = {name: form[name].value() for name in FORM if name != "group_by"}
    alice.post(
        page(people, f"rules/{rule.pk}/"),
        {**{k: v for k, v in shown.items() if v is not None}, "limit": "7", "do": "save"},
    )
    assert Rule.objects.get().spec["condition"] == {"type": "threshold", "above": 7.0}
    alice.post(page(people, f"rules/{rule.pk}/delete/"))
    assert Rule.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [({"limit": ""}, "limit"), ({"window": "soon"}, "window"), ({"filters": "colour = red"}, "filters"),
     ({"filters": "nonsense"}, "filters"), ({"hold": "x"}, "hold"), ({"repeat": "99d"}, "repeat"),
     ({"name": " "}, "name"),
     ({"limit": "nan"}, "limit"), ({"group_by": ["user", "model", "tag", "name"]}, "group_by")],
)  # fmt: skip
def test_a_wrong_rule_says_so_beside_its_field(
    alice: Client, people: People, change: dict[str, Any], field: str
) -> None:
    answer = alice.post(page(people, "rules/new/"), {**FORM, **change, "do": "save"})
    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert Rule.objects.count() == 0


def test_a_name_is_taken_once(alice: Client, people: People) -> None:
    for _ in range(2):
        answer = alice.post(page(people, "rules/new/"), {**FORM, "do": "save"})
    assert "already" in str(answer.context["form"].errors["name"])


def test_before_saving_it_says_how_often_it_would_have_fired(alice: Client, people: People, store: Store) -> None:
    now = datetime.now(UTC)
    bench = Bench(store, people.project.pk)
    for hours in (100, 50, 2):
        start = now - timedelta(hours=hours)
        bench.spans(*(call_at(start, status=SpanStatus.ERROR, user_id="u-1") for _ in range(9)))
        bench.spans(*(call_at(start + timedelta(minutes=minutes), user_id="u-1") for minutes in range(5, 60, 5)))
    headers = {"hx-request": "true", "hx-target": "backtest"}
    answer = alice.post(page(people, "rules/new/"), FORM, headers=headers)
    text = answer.content.decode()
    assert "would have fired 3 times in the last 30d" in text
    assert text.lstrip().startswith('<div id="backtest"')
    assert "chart-tried-0" in text
    assert Rule.objects.count() == 0
    broken = alice.post(page(people, "rules/new/"), {**FORM, "limit": ""}, headers=headers)
    assert "either above or below" in broken.content.decode()
    assert broken.status_code == 200


def test_an_incident_shows_its_course_its_examples_and_takes_notes(
    alice: Client, people: People, fired: Incident
) -> None:
    path = page(people, f"incidents/{fired.pk}/")
    shown = alice.get(path)
    assert shown.context["chart"] is not None
    assert [line.name for line in shown.context["traces"]] == ["chat"] * 6
    assert "status=error" in shown.context["traces_href"]
    assert [event.title for event in shown.context["events"]] == ["Firing", "Waiting: hook"]
    alice.post(path, {"do": "acknowledge"})
    alice.post(path, {"do": "comment", "text": "looking"})
    alice.post(path, {"do": "comment", "text": "  "})
    fired.refresh_from_db()
    assert fired.acknowledged_by == people.alice
    assert Comment.objects.get().text == "looking"


def test_an_incident_is_shown_also_when_the_store_is_away(
    alice: Client, people: People, fired: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr("apps.alerts.incident_views.course_of", away)
    answer = alice.get(page(people, f"incidents/{fired.pk}/"))
    assert answer.status_code == 200
    assert "could not be read" in answer.content.decode()


@pytest.fixture
def post() -> Iterator[Receiver]:
    """Somebody who listens."""
    with receiver() as started:
        yield started


def test_a_channel_is_made_tested_and_its_secret_shown_once(
    alice: Client, people: People, post: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.alerts.channel_views.caller_of_installation", lambda: Caller(allowed=["127.0.0.1"]))
    made = alice.post(page(people, "channels/?kind=webhook"), {"name": "hook", "v-url": post.url})
    assert "whsec_" in made.content.decode()
    assert "whsec_" not in alice.get(page(people, "channels/")).content.decode()
    channel = Channel.objects.get()
    told = alice.post(page(people, f"channels/{channel.pk}/"), {"do": "test"}, follow=True)
    assert "The test arrived at hook" in told.content.decode()
    assert len(post.got) == 1
    log = alice.get(page(people, "deliveries/")).content.decode()
    assert "channel.test" in log
    assert "Send again" in log
    alice.post(page(people, f"deliveries/{Delivery.objects.get().pk}/replay/"))
    assert Delivery.objects.get().status == "pending"
    wrong = alice.post(page(people, "channels/?kind=webhook"), {"name": "bad", "v-url": "gopher://x"})
    assert "cannot be called" in wrong.content.decode()
    alice.post(page(people, f"channels/{channel.pk}/"), {"do": "delete"})
    assert Channel.objects.count() == 0


def test_silences_and_maintenance_by_form(alice: Client, people: People, fired: Incident) -> None:
    path = page(people, "quiet/")
    alice.post(path, {"do": "silence", "length": "4h", "rule": str(fired.rule_id), "comment": "known"})
    silence = Silence.objects.get()
    assert silence.ends_at - silence.starts_at == timedelta(hours=4)
    assert "known" in alice.get(path).content.decode()
    alice.post(path, {"do": f"end:{silence.pk}"})
    assert "known" not in alice.get(path).content.decode()
    alice.post(path, {"do": "maintenance", "name": "index", "weekdays": ["0", "6"], "starts": "23:30", "minutes": "90"})
    window = MaintenanceWindow.objects.get()
    assert window.weekdays == [0, 6]
    assert "Mon, Sun from 23:30" in alice.get(path).content.decode()
    alice.post(path, {"do": f"remove:{window.pk}"})
    assert MaintenanceWindow.objects.count() == 0
