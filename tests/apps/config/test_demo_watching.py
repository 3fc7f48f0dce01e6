"""What the demo makes to watch its traffic, made through the API: once, and pointed at where this demo listens."""

from typing import Any

from django.conf import settings
from django.test import Client

from apps.accounts.vault import Vault
from apps.alerts.models import Channel, Rule
from apps.config.demo.watching import EVALUATIONS, watch
from tests.apps.visitors import signed_in
from tests.conftest import People


class Owner:
    """Alice, as the demo signs her in."""

    def __init__(self, people: People) -> None:
        self._client: Client = signed_in(people.alice)
        self._project = people.project.slug

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return a list."""
        found: list[dict[str, Any]] = self._asked("get", path)["data"]
        return found

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make something."""
        return self._asked("post", path, body)

    def change(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change something."""
        return self._asked("patch", path, body)

    def _asked(self, method: str, path: str, *body: Any) -> dict[str, Any]:
        url = f"/api/v1/{path}"
        url += "" if method == "get" else f"?project={self._project}"
        given = body or ({"project": self._project},)
        more = {} if method == "get" else {"content_type": "application/json"}
        answer = getattr(self._client, method)(url, *given, **more)
        assert answer.status_code < 400, answer.content
        found: dict[str, Any] = answer.json()
        return found


def test_a_second_demo_makes_nothing_twice_and_the_webhook_follows_its_port(people: People) -> None:
    owner = Owner(people)
    watch(owner, url="http://127.0.0.1:8181/alerts", secret="whsec_b25l")
    [first] = Channel.objects.all()
    watch(owner, url="http://127.0.0.1:9281/alerts", secret="whsec_dHdv")
    [channel] = Channel.objects.all()
    assert (channel.pk, channel.name) == (first.pk, first.name)
    assert channel.config == {"url": "http://127.0.0.1:9281/alerts"}
    kept = Vault(settings.SECRET_KEY, purpose="alert channels").open(channel.secrets)
    assert kept == {"secret": "whsec_dHdv"}
    [rule] = Rule.objects.all()
    assert [one.pk for one in rule.channels.all()] == [channel.pk]
    assert len(owner.rows("evaluation-rules")) == len(EVALUATIONS)
