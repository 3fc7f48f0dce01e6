"""Every page, on four sizes of made-up answers: contexts are what the templates use, outsiders see nothing, markup
stays text.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from django.template import Context, Engine
from django.test import Client

from apps.gpu.contexts import GpuContext
from apps.ledger.contexts import LedgerContext
from apps.traces.contexts import OverviewContext, PeopleContext, TraceContext, TraceListContext
from apps.traces.tree import arrange
from apps.ui.patterns import PatternsContext
from tests.apps.ui.template_names import names_used
from tests.browser.sample import HOSTILE, SIZES
from tests.browser.sample_trace import long_detail
from tests.browser.stage import played
from tests.conftest import People

FROM_PROCESSORS = {"request", "nav", "messages", "user", "perms", "csrf_token", "block"}
PAGES = {
    "": ("traces/overview.html", OverviewContext),
    "traces/": ("traces/list.html", TraceListContext),
    "traces/x/": ("traces/trace.html", TraceContext),
    "sessions/": ("traces/people.html", PeopleContext),
    "users/": ("traces/people.html", PeopleContext),
    "gpu/": ("gpu/gpu.html", GpuContext),
    "ledger/": ("ledger/ledger.html", LedgerContext),
}


class Stage:
    """Which size of answers the pages get."""

    size = "much"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Answers from the sample instead of a store."""
    chosen = Stage()
    with played(lambda: chosen.size):
        yield chosen


def page_of(client: Client, people: People, path: str, **headers: str) -> Any:
    """GET a page of Alice's project."""
    return client.get(f"/p/{people.project.slug}/{path}", headers=headers)


@pytest.mark.parametrize(
    ("template", "context"),
    [*dict.fromkeys(PAGES.values()), ("patterns.html", PatternsContext)],
    ids=lambda value: str(value),
)
def test_a_page_uses_what_its_context_declares_and_nothing_else(template: str, context: type) -> None:
    declared = {field.name for field in fields(context)}
    assert names_used(template) - FROM_PROCESSORS == declared


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_renders_every_size(alice: Client, people: People, stage: Stage, path: str, size: str) -> None:
    stage.size = size
    answer = page_of(alice, people, path)
    assert answer.status_code == (404 if (path, size) == ("traces/x/", "none") else 200)
    text = answer.content.decode()
    assert "<h1" in text
    assert HOSTILE not in text
    assert "onerror=alert(2)>" not in text.replace("&gt;", "")
    assert answer.status_code == 404 or answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", PAGES)
def test_an_outsider_learns_nothing(client: Client, people: People, stage: Stage, path: str) -> None:
    client.force_login(people.outsider)
    assert page_of(client, people, path).status_code == 404
    client.logout()
    assert page_of(client, people, path).status_code == 302


@pytest.mark.parametrize("path", PAGES)
def test_a_member_sees_the_page(client: Client, people: People, stage: Stage, path: str) -> None:
    client.force_login(people.bob)
    assert page_of(client, people, path).status_code == 200


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("", "overview"),
        ("traces/", "explorer"),
        ("traces/", "results"),
        ("sessions/", "people"),
        ("ledger/", "ledger"),
        ("traces/x/?span=c2", "span-panel"),
    ],
)
def test_a_part_is_the_same_markup_without_the_page(
    alice: Client, people: People, stage: Stage, path: str, part: str
) -> None:
    headers = {"hx-request": "true", "hx-target": part}
    answer = page_of(alice, people, path, **headers)
    text = answer.content.decode()
    assert text.lstrip().startswith(("<div", "<section"))
    assert f'id="{part}"' in text.split(">")[0] + ">"
    assert "<html" not in text
    assert "HX-Target" in answer.headers["Vary"]
    whole = page_of(alice, people, path, **headers, **{"hx-history-restore-request": "true"})
    assert "<html" in whole.content.decode()


@pytest.mark.parametrize("path", ["", "traces/", "sessions/", "ledger/"])
def test_a_bad_parameter_is_named_with_the_way_out(alice: Client, people: People, stage: Stage, path: str) -> None:
    answer = page_of(alice, people, f"{path}?range=fortnight")
    text = answer.content.decode()
    assert answer.status_code == 400
    assert "fortnight" in text
    assert "30m, 24h, 7d, 4w" in text


def test_filters_are_chips_that_can_be_taken_off(alice: Client, people: People, stage: Stage) -> None:
    text = page_of(alice, people, "traces/?model=gpt-4o&tag=beta&tag=eu&status-not=ok&cursor=").content.decode()
    assert 'href="?model=gpt-4o&amp;tag=eu&amp;status-not=ok"' in text
    assert "Status not <b>ok</b>" in text
    assert "<option selected>gpt-4o</option>" in text


def test_a_live_list_asks_for_its_own_rows(alice: Client, people: People, stage: Stage) -> None:
    assert "every 4s" not in page_of(alice, people, "traces/?tag=beta").content.decode()
    text = page_of(alice, people, "traces/?tag=beta&live=1").content.decode()
    assert 'hx-get="?tag=beta&amp;live=1" hx-trigger="every 4s" hx-target="#results"' in text


def test_an_empty_project_is_told_where_to_send_its_calls(
    alice: Client, people: People, stage: Stage, settings: Any
) -> None:
    stage.size = "none"
    settings.SPANMETER_GATEWAY_URL = "https://gate.example.com"
    for path in ("", "traces/"):
        text = page_of(alice, people, path).content.decode()
        assert "base_url=&quot;https://gate.example.com/openai/v1&quot;" in text
    assert "No trace matches" in page_of(alice, people, "traces/?model=x").content.decode()


def test_unpriced_is_never_zero(alice: Client, people: People, stage: Stage) -> None:
    stage.size = "broken"
    text = page_of(alice, people, "").content.decode()
    assert "calls unpriced" in text
    assert "cost_status=unpriced" in text
    panel = page_of(alice, people, "traces/x/?span=x1&view=cost").content.decode()
    assert "no price for model &#x27;sarvam-m-2027&#x27;" in panel
    assert "Estimated by counting the text" in panel


def test_a_span_is_shareable_in_each_view(alice: Client, people: People, stage: Stage) -> None:
    seen = {
        view: page_of(alice, people, f"traces/x/?span=c2&view={view}").content.decode()
        for view in ("conversation", "cost", "raw", "attributes")
    }
    assert "Nothing was charged twice" in seen["conversation"]
    assert "genai-prices/anthropic/claude-sonnet-4-5@2025-09-29" in seen["cost"]
    assert "$3.00" in seen["cost"]
    assert "No body was kept" in seen["raw"]
    assert "gen_ai.operation.name" in seen["attributes"]
    for text in seen.values():
        assert text.count('data-span-link="c2" aria-current="true"') == 1


def test_bodies_are_shown_indented_or_as_sent(alice: Client, people: People, stage: Stage) -> None:
    stage.size = "little"
    assert "As sent" in page_of(alice, people, "traces/x/?view=raw").content.decode()
    sent = page_of(alice, people, "traces/x/?view=raw&as=sent").content.decode()
    assert "{&quot;model&quot;: &quot;gpt-4o-mini&quot;, &quot;stream&quot;: true" in sent


def test_a_trace_of_five_thousand_spans_is_bounded(alice: Client, people: People, stage: Stage) -> None:
    spans = long_detail().spans
    last = spans[arrange(spans)[-1].at].span_id
    answer = page_of(alice, people, f"traces/long/?span={last}&view=attributes")
    text = answer.content.decode()
    assert text.count("data-span-link=") == 1001
    assert "of 5,000 spans" in text
    assert "rows=all" in text
    assert page_of(alice, people, "traces/long/?rows=all").content.decode().count("data-span-link=") == 5000


def test_a_span_that_does_not_exist_is_not_found(alice: Client, people: People, stage: Stage) -> None:
    headers = {"hx-request": "true", "hx-target": "span-panel"}
    assert page_of(alice, people, "traces/x/?span=nope", **headers).status_code == 404
    assert page_of(alice, people, "traces/x/?span=nope").status_code == 200


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_error_pages_need_nothing(status: int) -> None:
    problem = {"code": "x", "message": f"It is {HOSTILE}", "hint": "Try again."}
    text = (
        Engine.get_default()
        .get_template(f"{status}.html")
        .render(Context({"problem": problem, "title": "T", "status": status}))
    )
    assert "Try again." in text
    assert HOSTILE not in text
    assert ('http-equiv="refresh"' in text) == (status == 503)


def test_the_pattern_page_needs_nobody(client: Client, db: None) -> None:
    assert client.get("/-/patterns").status_code == 200
