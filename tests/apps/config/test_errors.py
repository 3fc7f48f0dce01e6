"""What a person and a program see when something is wrong: never a traceback."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError
from django.test import Client

from apps.accounts import services
from apps.analytics.run import QueryFailed, Reads, StoreUnavailable, install
from tests.apps.visitors import signed_in
from tests.conftest import People


class Broken:
    """A reader that always fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def rows(self, *arguments: object, **more: object) -> list[tuple[object, ...]]:
        raise self.error


@pytest.fixture
def broken(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every read raises the parameter."""
    install(lambda: Reads(Broken(request.param)))
    yield
    install(lambda: Reads(Broken(RuntimeError("no store in this test"))))


AWAY = StoreUnavailable("nobody there")


@pytest.mark.parametrize(
    ("broken", "status", "code"),
    [
        (AWAY, 503, "store_unavailable"),
        (QueryFailed(159, "Timeout exceeded"), 503, "query_too_slow"),
        (QueryFailed(241, "Memory limit exceeded"), 503, "query_too_slow"),
        (OperationalError("database is locked"), 503, "database_unavailable"),
        (QueryFailed(47, "Unknown identifier secret_column"), 500, "internal_error"),
    ],
    indirect=["broken"],
)
@pytest.mark.usefixtures("broken")
def test_the_api_says_what_is_away(people: People, status: int, code: str) -> None:
    secret = services.key_issue(project=people.project, name="k", created_by=None).secret
    client = Client(headers={"authorization": f"Bearer {secret}"}, raise_request_exception=False)
    answer = client.get("/api/v1/traces")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "secret_column" not in answer.content.decode()


@pytest.mark.parametrize("broken", [AWAY], indirect=True)
@pytest.mark.usefixtures("broken")
def test_pages_and_probes_say_it_too(people: People) -> None:
    client = signed_in(people.alice)
    for path in (f"/p/{people.project.slug}/", f"/p/{people.project.slug}/traces/"):
        page = client.get(path)
        assert page.status_code == 503
        assert "store" in page.content.decode()
        assert page["Retry-After"] == "5"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["store"], ready.json()["database"]) == (503, "unavailable", "ok")
    assert client.get("/healthz").status_code == 200


def test_an_address_that_does_not_exist(client: Client, db: None) -> None:
    page = client.get("/nothing/here")
    assert page.status_code == 404
    assert "Traceback" not in page.content.decode()


def test_pages_carry_a_policy_without_inline_script_or_style(client: Client, db: None) -> None:
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_a_form_from_elsewhere_is_refused(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.alice)
    answer = client.post(f"/settings/projects/{people.project.slug}/keys/", {"name": "theirs"})
    assert answer.status_code == 403
    assert people.project.keys.count() == 0
