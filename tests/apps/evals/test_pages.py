"""Pages of rules and back-fills: what a member does, what a viewer may not, what an outsider does not see."""

from dataclasses import fields
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client

from apps.analytics.run import StoreUnavailable
from apps.evals import contexts
from apps.evals.backfills import backfill_plan, backfill_start, backfills_go_on
from apps.evals.evaluators import EVALUATORS
from apps.evals.models import Backfill, EvaluationRule
from tests.apps.evals.judging import LENGTH, Desk
from tests.apps.evals.test_evaluate import calls
from tests.apps.ui.template_names import names_used
from tests.apps.visitors import assert_members_alone_see, signed_in, viewer_of
from tests.conftest import People

pytestmark = pytest.mark.usefixtures("reading")
FORM = {
    "name": "Short <b>", "s-most": "10", "s-unit": "characters", "target": "span", "share": "100", "enabled": "on",
    "filters": "model = gpt-4o\nmodel = other\nenvironment != staging",
}  # fmt: skip


@pytest.fixture
def backfill(desk: Desk) -> Backfill:
    """Of a rule whose name tries to be markup, over three calls of which one was judged."""
    calls(desk, 3, session_id="<script>s")
    rule = desk.rule({**LENGTH, "name": "<script>rule"})
    desk.look()
    start = desk.now - timedelta(hours=1)
    return backfill_plan(rule=rule, start=start, end=desk.now, by=None, reads=desk.reads, now=desk.now)


def page(people: People, path: str = "") -> str:
    return f"/p/{people.project.slug}/evaluations/{path}"


def paths_of(people: People, backfill: Backfill) -> list[str]:
    rest = ("", "new/", "new/length/", f"rules/{backfill.rule_id}/", "backfills/", f"backfills/{backfill.pk}/")
    return [page(people, path) for path in rest]


PAGES = {
    "evals/rules.html": contexts.RulesContext, "evals/evaluators.html": contexts.EvaluatorsContext,
    "evals/rule.html": contexts.RuleContext, "evals/backfills.html": contexts.BackfillsContext,
    "evals/backfill.html": contexts.BackfillContext,
}  # fmt: skip


@pytest.mark.parametrize("template", PAGES)
def test_a_page_uses_what_its_context_declares_and_nothing_else(template: str) -> None:
    from_processors = {"nav", "request", "messages", "csrf_token", "user", "perms"}
    assert names_used(template) - from_processors == {field.name for field in fields(PAGES[template])}


def test_members_see_every_page_and_outsiders_none(people: People, backfill: Backfill) -> None:
    assert_members_alone_see(people, paths_of(people, backfill))
    assert Client().get(page(people)).status_code == 302


def test_ids_of_another_project_are_ids_of_nothing(people: People, backfill: Backfill) -> None:
    client = signed_in(people.outsider)
    theirs, rule = f"/p/{people.other.slug}/evaluations/", backfill.rule_id
    for path in (f"rules/{rule}/", f"backfills/{backfill.pk}/", "rules/x/", "new/nothing/"):
        assert client.get(theirs + path).status_code == 404, path
    for path in (f"rules/{rule}/", f"rules/{rule}/delete/", f"rules/{rule}/backfill/", f"backfills/{backfill.pk}/"):
        assert client.post(theirs + path, {"do": "start", "range": "7d"}).status_code == 404, path
    assert (EvaluationRule.objects.count(), Backfill.objects.get().state) == (1, "planned")


def test_a_viewer_looks_and_changes_nothing(people: People, backfill: Backfill) -> None:
    client = signed_in(viewer_of(people))
    rule = backfill.rule_id
    assert "Save" not in client.get(page(people, f"rules/{rule}/")).content.decode()
    assert client.get(page(people, "new/length/")).status_code == 403
    for path in (f"rules/{rule}/", f"rules/{rule}/delete/", f"rules/{rule}/backfill/", f"backfills/{backfill.pk}/"):
        assert client.post(page(people, path), {"do": "start", "range": "7d"}).status_code == 403, path
    assert (EvaluationRule.objects.count(), Backfill.objects.get().state) == (1, "planned")


def test_names_from_people_and_traffic_stay_text(alice: Client, people: People, backfill: Backfill) -> None:
    for path in paths_of(people, backfill):
        assert "<script>rule" not in alice.get(path).content.decode()


def test_every_evaluator_has_a_form(alice: Client, people: People, desk: Desk) -> None:
    listed = alice.get(page(people, "new/")).content.decode()
    for name, kind in EVALUATORS.items():
        assert f"new/{name}/" in listed
        text = alice.get(page(people, f"new/{name}/")).content.decode()
        assert [one.name for one in kind.settings if f'name="s-{one.name}"' not in text] == []


def test_the_list_says_what_the_scores_amount_to(alice: Client, people: People, backfill: Backfill, desk: Desk) -> None:
    text = alice.get(page(people)).content.decode()
    assert "Length: calls of models" in text
    assert "judging" in text
    assert "100%" in text  # "answer 0" has ten characters at most
    with mock.patch("apps.analytics.run.Reads.rows", side_effect=StoreUnavailable("away")):
        answer = alice.get(page(people))
    assert answer.status_code == 200
    assert "could not be read" in answer.content.decode()


def test_a_rule_is_tried_saved_changed_and_deleted_by_form(alice: Client, people: People, desk: Desk) -> None:
    calls(desk, 7)
    path = page(people, "new/length/")
    tried = alice.post(path, {**FORM, "do": "try"}).content.decode()
    assert tried.count(">true</span>") == 5
    assert "8 characters" in tried
    assert EvaluationRule.objects.count() == 0
    assert alice.post(path, {**FORM, "do": "save"}).status_code == 302
    rule = EvaluationRule.objects.get()
    assert (rule.name, rule.settings, rule.share) == ("Short <b>", {"most": 10, "unit": "characters"}, 1.0)
    assert rule.filters == [
        {"field": "model", "values": ["gpt-4o", "other"], "negated": False},
        {"field": "environment", "values": ["staging"], "negated": True},
    ]
    shown = alice.get(page(people, f"rules/{rule.pk}/")).content.decode()
    assert "model = other" in shown
    alice.post(page(people, f"rules/{rule.pk}/"), {**FORM, "s-most": "5", "share": "25", "do": "save"})
    rule.refresh_from_db()
    assert (rule.version, rule.share, rule.settings["most"]) == (2, 0.25, 5)
    assert alice.post(page(people, f"rules/{rule.pk}/delete/")).status_code == 302
    assert EvaluationRule.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"s-most": ""}, "neither least nor most"),
        ({"s-most": "-4"}, "greater than or equal to 0"),
        ({"filters": "gpt-4o"}, "is no condition"),
        ({"filters": "mood = good"}, "is no field"),
        ({"share": "0"}, "greater than or equal to"),
        ({"name": ""}, "required"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(
    alice: Client, people: People, desk: Desk, change: dict[str, Any], said: str
) -> None:
    answer = alice.post(page(people, "new/length/"), {**FORM, **change, "do": "save"})
    assert answer.status_code == 400
    assert said in answer.content.decode()
    part = alice.post(
        page(people, "new/length/"), {**FORM, **change}, headers={"HX-Request": "true", "HX-Target": "tried"}
    )
    assert part.status_code == 200
    assert part.content.decode().lstrip().startswith('<div id="tried"')


def test_a_rule_that_asks_is_tried_after_it_was_saved(alice: Client, people: People, desk: Desk) -> None:
    calls(desk, 2)
    form = {"name": "Judge", "s-model": "gpt-4o", "s-api_key": "sk-private", "target": "span", "share": "100"}
    path = page(people, "new/oracle/")
    assert "tried after it was saved" in alice.post(path, {**form, "do": "try"}).content.decode()
    assert alice.post(path, {**form, "do": "save"}).status_code == 302
    rule = EvaluationRule.objects.get()
    path = page(people, f"rules/{rule.pk}/")
    assert "sk-private" not in alice.get(path).content.decode()
    with mock.patch("apps.evals.views.asker_of_installation", return_value=desk.work().asker):
        tried = alice.post(path, {**form, "s-api_key": "", "do": "try"}).content.decode()
    assert tried.count("because") == 2
    assert sorted(desk.asked) == ["answer 0", "answer 1"]


def test_a_back_fill_is_planned_started_and_watched(alice: Client, people: People, desk: Desk) -> None:
    calls(desk, 4)
    rule = desk.rule(ago=timedelta(0))
    answer = alice.post(page(people, f"rules/{rule.pk}/backfill/"), {"range": "1d"})
    backfill = Backfill.objects.get()
    path = page(people, f"backfills/{backfill.pk}/")
    assert answer.headers["location"] == path
    text = alice.get(path).content.decode()
    assert "0 of 4" in text
    assert "data-poll" not in text
    alice.post(path, {"do": "start"})
    assert "data-poll" in alice.get(path).content.decode()
    backfills_go_on(desk.work())
    part = alice.get(path, headers={"HX-Request": "true", "HX-Target": "backfill"}).content.decode()
    assert part.lstrip().startswith('<div id="backfill"')
    assert "4 of 4 (100%)" in part
    assert "4 of 4" in alice.get(page(people, "backfills/")).content.decode()


def test_a_back_fill_is_stopped(alice: Client, people: People, backfill: Backfill) -> None:
    backfill_start(backfill=backfill)
    path = page(people, f"backfills/{backfill.pk}/")
    alice.post(path, {"do": "stop"})
    assert "Stopped" in alice.get(path).content.decode()


def test_a_wrong_range_is_refused(alice: Client, people: People, backfill: Backfill) -> None:
    answer = alice.post(page(people, f"rules/{backfill.rule_id}/backfill/"), {"range": "1000d"}, follow=True)
    assert "could not be planned" in answer.content.decode()
    assert Backfill.objects.count() == 1
