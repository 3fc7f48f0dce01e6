"""The demo's parts that need no model: its price, its messages, its bar."""

import io
import json
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from apps.config.demo.__main__ import running_installation
from apps.config.demo.desk import Shown
from apps.config.demo.findings import links, settled, visible_costs
from apps.config.demo.model import MODEL
from apps.config.demo.price import write_price
from apps.config.demo.programs.agent import look_up_price
from apps.config.demo.progress import Progress
from apps.config.demo.server import DemoError
from ingestion.currency import Rates
from ingestion.price import price
from ingestion.prices.files import load_pricebook
from ingestion.usage import Bucket


class Healthy(BaseHTTPRequestHandler):
    """A gateway that is well."""

    def do_GET(self) -> None:
        """Say so at its address of health alone."""
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def test_the_demo_price_prices_a_local_call(tmp_path: Path) -> None:
    """The row that the demo writes is read by the same code as every other price."""
    write_price(tmp_path, date(2026, 1, 1))
    priced = price(
        provider="local",
        model=MODEL,
        model_requested=MODEL,
        usage={Bucket.INPUT: Decimal(1000), Bucket.OUTPUT: Decimal(1000)},
        at_ns=int(datetime(2026, 1, 2, tzinfo=UTC).timestamp() * 1e9),
        book=load_pricebook(home=tmp_path),
        rates=Rates([]),
    )
    assert priced.cost == Decimal("0.000189")
    assert priced.currency == "USD"


def test_a_changed_price_is_kept(tmp_path: Path) -> None:
    """The second demo does not undo what somebody set."""
    path = write_price(tmp_path, date(2026, 1, 1))
    path.write_text("# mine\n")
    assert write_price(tmp_path, date(2026, 2, 1)).read_text() == "# mine\n"


def test_without_a_running_installation_the_demo_says_what_to_do(tmp_path: Path) -> None:
    """Not a traceback about a missing file."""
    with pytest.raises(DemoError, match="start it with `make up`"):
        running_installation(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"gateway_url": ""}', '{"gateway_url": "http://127.0.0.1:9"}'])
def test_an_installation_that_does_not_answer_is_told_too(tmp_path: Path, content: str) -> None:
    """Whatever the file says."""
    (tmp_path / "bootstrap.json").write_text(content)
    with pytest.raises(DemoError, match="start it with `make up`"):
        running_installation(tmp_path)


def test_the_demo_goes_where_the_installation_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where this shell's settings would have put it: it was started from another."""
    monkeypatch.setenv("SPANMETER_GATEWAY_PORT", "9")
    monkeypatch.setenv("SPANMETER_GATEWAY_URL", "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        said = {"gateway_url": f"http://127.0.0.1:{server.server_port}", "web_url": "http://127.0.0.1:1"}
        said["secret_key"] = "sm-sk-x"
        (tmp_path / "bootstrap.json").write_text(json.dumps(said))
        assert running_installation(tmp_path) == said


def test_an_installation_without_a_key_says_what_is_missing(tmp_path: Path) -> None:
    """Its project was deleted, and there is no other."""
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        said = {"gateway_url": f"http://127.0.0.1:{server.server_port}", "secret_key": "", "key_note": "no project"}
        (tmp_path / "bootstrap.json").write_text(json.dumps(said))
        with pytest.raises(DemoError, match=r"bootstrap\.json: no project"):
            running_installation(tmp_path)


class Installation:
    """An API whose trace can be seen from the beginning, and has its cost only when the ledger has nothing left."""

    def __init__(self, *ledgers: tuple[int, int, bool]) -> None:
        self._ledgers = list(ledgers)
        self._done = False
        self.client = httpx.Client(base_url="http://spanmeter", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/ledger":
            spooled, in_flight, balanced = self._ledgers.pop(0) if len(self._ledgers) > 1 else self._ledgers[0]
            self._done = (spooled, in_flight, balanced) == (0, 0, True)
            return httpx.Response(200, json={"spooled": spooled, "in_flight": in_flight, "balanced": balanced})
        if request.url.path == "/api/v1/traces/seen":
            return httpx.Response(200, json={"cost_usd": "0.000189" if self._done else "0"})
        return httpx.Response(404)


def test_a_cost_is_read_when_all_is_written() -> None:
    """Not as soon as the trace is there: the call that cost something may still be on its way."""
    installation = Installation((2, 1, True), (1, 0, True), (0, 1, True), (0, 0, False), (0, 0, True))
    assert settled(installation.client, seconds=30)
    shown = [Shown("seen", "a chat"), Shown("gone", "a question")]
    assert visible_costs(installation.client, shown) == {
        "seen": "0.000189 USD",
        "gone": "not recorded; the ledger says why",
    }


@pytest.mark.parametrize("ledger", [(1, 0, True), (0, 1, True), (0, 0, False)])
def test_what_is_not_written_in_time_is_said_to_be_so(ledger: tuple[int, int, bool]) -> None:
    """Rather than a figure that changes on the next look."""
    assert not settled(Installation(ledger).client, seconds=0)
    line = next(links("http://spanmeter/p/default", [Shown("seen", "a chat")], {}))
    assert line.endswith("a chat   not settled yet")


def test_the_tool_answers_for_every_choice_the_model_has() -> None:
    """The schema holds the model to these."""
    assert look_up_price(item="rice", city="Pune") == {"item": "rice", "city": "Pune", "rupees_per_kilo": 66}


def test_progress_is_a_line_a_step_where_there_is_no_terminal() -> None:
    """A log file is not full of control characters."""
    out = io.StringIO()
    progress = Progress(2, out=out)
    progress.show("loading")
    progress.step("loaded")
    progress.close()
    assert "1/2" in out.getvalue()
    assert "loaded" in out.getvalue()
    assert "\r" not in out.getvalue()
    assert "\x1b" not in out.getvalue()
