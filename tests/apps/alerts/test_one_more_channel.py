"""One channel more is one file and one line: the API, the form and the delivery know it at once."""

import importlib.util
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.alerts.calling import Caller
from apps.alerts.channel_services import channel_test
from apps.alerts.channels import CHANNELS
from apps.alerts.models import Channel, Delivery
from tests.apps.visitors import signed_in
from tests.conftest import People

ONE_MORE = '''
"""A line in a file, for whoever reads it."""
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from apps.alerts.calling import Caller
from apps.alerts.channels.base import Envelope, Receipt, Setting
from apps.alerts.message import Notification


class Logbook:
    kind: ClassVar[str] = "logbook"
    label: ClassVar[str] = "Logbook"
    help: ClassVar[str] = "A line in a file."
    settings: ClassVar[tuple[Setting, ...]] = (Setting(name="path", label="File"),)

    def send(self, note: Notification, envelope: Envelope, values: Mapping[str, str], caller: Caller) -> Receipt:
        with Path(values["path"]).open("a") as book:
            book.write(f"{envelope.id} {note.type}\\n")
        return Receipt(answer="written")
'''


@pytest.fixture
def logbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file is there and its line stands in the registry; returns where it writes."""
    file = tmp_path / "logbook.py"
    file.write_text(ONE_MORE)
    spec = importlib.util.spec_from_file_location("logbook", file)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "logbook", module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(CHANNELS, "logbook", module.Logbook())  # the one line
    return tmp_path / "book.txt"


@pytest.mark.django_db
def test_it_is_offered_made_and_told(people: People, logbook: Path) -> None:
    alice = signed_in(people.alice)
    page = alice.get(f"/p/{people.project.slug}/alerts/channels/?kind=logbook").content.decode()
    assert "A line in a file." in page

    body = {"name": "ours", "kind": "logbook", "config": {"path": str(logbook)}}
    made = alice.post(f"/api/v1/channels?project={people.project.slug}", body, content_type="application/json")
    assert made.status_code == 201, made.content

    channel = Channel.objects.get(pk=made.json()["id"])
    delivery = channel_test(channel=channel, now=datetime.now(UTC), caller=Caller(allowed=[], seconds=1))
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.SENT
    assert logbook.read_text() == f"{delivery.message_id} channel.test\n"


@pytest.mark.django_db
def test_without_its_line_it_is_refused_by_name(people: People) -> None:
    alice = signed_in(people.alice)
    body = {"name": "ours", "kind": "logbook", "config": {"path": "x"}}
    refused = alice.post(f"/api/v1/channels?project={people.project.slug}", body, content_type="application/json")
    assert refused.status_code == 400
    assert "logbook" in refused.json()["error"]["message"]
