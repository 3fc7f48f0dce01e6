"""A running dashboard on made-up answers, and a signed-in browser.

Without Chromium these tests are skipped, and say so.
"""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client

from tests.browser.chromium import CHROMIUM, chromium, listen
from tests.browser.stage import played
from tests.conftest import People

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One Chromium for the tests of a file. Not for the whole run: while it lives, its loop runs in this thread."""
    if not CHROMIUM.exists():
        pytest.skip("browser: Chromium is not installed at /usr/bin/chromium")
    # Django's ORM is used beside that loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with chromium() as started:
        yield started
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Dashboard:
    """Opens pages of Alice's project; `problems` is what the console said."""

    def __init__(self, page: "Page", address: str) -> None:
        self.page = page
        self.address = address
        self.size = "much"
        self.problems: list[str] = []
        listen(page, self.problems)

    def open(self, path: str = "", *, size: str = "much") -> "Page":
        """Go to a page and wait until it is still."""
        self.size = size
        self.page.goto(self.address + path)
        self.page.wait_for_load_state("networkidle")
        return self.page


@pytest.fixture
def dashboard(browser: "Browser", live_server: "LiveServer", people: People) -> Iterator[Dashboard]:
    """Alice, signed in, in front of a browser whose console must stay silent."""
    client = Client()
    client.force_login(people.alice)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    shown = Dashboard(context.new_page(), f"{live_server.url}/p/{people.project.slug}/")
    with played(lambda: shown.size):
        yield shown
    context.close()
    assert shown.problems == []


@pytest.fixture
def colour_of(dashboard: Dashboard) -> Callable[[str], str]:
    """The computed background of the first match."""
    return lambda selector: dashboard.page.eval_on_selector(selector, "e => getComputedStyle(e).backgroundColor")
