"""Scores by the client library and by the API against the whole product: on the trace, on its page, in the ledger."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journey.stack import Stack, eventually, running_stack
from tests.journey.test_sdk import run

pytestmark = [pytest.mark.kill, pytest.mark.timeout(300)]

PAGE = (Path(__file__).parents[2] / "docs" / "scores.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    """The page's block in this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One installation for all tests of this module."""
    with running_stack(tmp_path_factory.mktemp("home")) as running:
        yield running


def give(stack: Stack, body: Any) -> Any:
    headers = {"authorization": f"Bearer {stack.bootstrap['secret_key']}"}
    answer = httpx.post(f"{stack.web}/api/v1/scores", json=body, headers=headers, timeout=30)
    assert answer.status_code == 202, answer.text
    return answer.json()["data"]


def test_the_examples_end_on_the_trace(stack: Stack, tmp_path: Path) -> None:
    done = run(stack, example("python"), offline=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    (helpful,) = eventually(lambda: stack.api("scores", name="helpful")["data"])
    trace_id = helpful["trace_id"]
    assert (helpful["data_type"], helpful["value"], helpful["comment"]) == ("boolean", 1.0, "short and right")
    assert eventually(lambda: stack.query("SELECT count() FROM spans")[0][0]) == 1

    body = json.loads(example("json"))
    body["scores"][0]["trace_id"] = trace_id
    quality, tone = give(stack, body)
    give(stack, body)  # repeated by a program that did not hear the answer

    def both() -> Any:
        found = stack.api(f"traces/{trace_id}")["scores"]
        return found if len(found) == 2 else None

    by_name = {row["name"]: row for row in eventually(both)}
    assert by_name["helpful"]["span_id"] == stack.api(f"traces/{trace_id}")["span_list"][0]["span_id"]
    assert (by_name["quality"]["id"], by_name["quality"]["value"]) == ("review-17", quality["value"])
    assert {row["text_value"] for row in stack.api("scores", session="s-4")["data"]} == {tone["text_value"]}

    with httpx.Client(base_url=stack.web, follow_redirects=True, timeout=30) as browser:
        sign_in(browser, stack)
        (project,) = set(re.findall(r'href="/p/([^/"]+)/"', browser.get("/").text))
        page = browser.get(f"/p/{project}/traces/{trace_id}/").text
        assert "one source is missing" in page
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "thumb": "up"}
        answer = browser.post(f"/p/{project}/traces/{trace_id}/score", data=form, headers={"referer": stack.web})
        assert "Recorded: thumbs." in answer.text
    (thumb,) = eventually(lambda: stack.api("scores", name="thumbs")["data"])
    assert (thumb["source"], thumb["author"]) == ("human", stack.bootstrap["email"])

    ledger = eventually(lambda: settled(stack), told=lambda: stack.api("ledger"))
    # One span, its score, two and two from the API, the thumb: every version counts.
    assert (ledger["accepted"], ledger["written"], ledger["dropped"]) == (7, 7, {})


def sign_in(browser: httpx.Client, stack: Stack) -> None:
    page = browser.get("/accounts/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    form = {
        "csrfmiddlewaretoken": token[1], "login": stack.bootstrap["email"], "password": stack.bootstrap["password"],
    }  # fmt: skip
    assert browser.post("/accounts/login/", data=form, headers={"referer": stack.web}).status_code == 200


def settled(stack: Stack) -> Any:
    ledger = stack.api("ledger")
    return ledger if ledger["balanced"] and not ledger["spooled"] and ledger["accepted"] else None
