"""An inference server as a source: its page through its table of names, whether it is ready, how long it took.

What a server is called and what its metrics are called stands in its own file (vllm.py, …); nothing here knows one
server from another.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.fetch import Fetched, NobodyListens, fetch
from spanmeter.gpu.mapping import Entry, points
from spanmeter.gpu.point import Point
from spanmeter.gpu.prometheus import Page, parse
from spanmeter.gpu.source import SourceFailed

__all__ = ["Server", "ServingSource"]

_LOADING = 503
_STARTED = "process_start_time_seconds"
_ANSWER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One kind of server. `model_at`: where it says which model it serves, and how that is read, for pages without."""

    name: str
    title: str
    table: Sequence[Entry]
    model_label: str = ""
    model_at: str = ""
    model_in: Callable[[object], str] = lambda _answer: ""
    default_port: int
    path: str = "/metrics"


class ServingSource:
    """Reads one server."""

    def __init__(
        self,
        server: Server,
        origin: str,
        *,
        model: str = "",
        get: Callable[[str], Fetched] = fetch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(origin if "//" in origin else f"http://{origin}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{origin!r} is no address of a server: write it as http://host:{server.default_port}")
        port = parts.port or server.default_port
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.name = server.name
        self.place = f"{host}:{port}"
        self._origin = f"{parts.scheme}://{self.place}"
        self._path = parts.path if parts.path not in {"", "/"} else server.path
        self._server = server
        self._model = model
        self._asked: str = ""
        self._get = get
        self._clock = clock
        self._common = {
            "spanmeter.serving.server": server.name,
            "server.address": parts.hostname,
            "server.port": str(port),
        }
        self._was_down = False
        self._loading_since: float | None = None

    def read(self) -> Sequence[Point]:
        """Return what the page says, and whether the server is ready."""
        try:
            fetched = self._get(f"{self._origin}{self._path}")
        except NobodyListens:
            self._was_down, self._loading_since, self._asked = True, None, ""
            return [self._state("down")]
        if fetched.status == _LOADING:
            if self._loading_since is None:
                self._loading_since = self._clock()
            return [self._state("loading")]
        if fetched.status != 200:
            raise SourceFailed(self._what_it_says(fetched))
        page = parse(fetched.body, complete=fetched.complete)
        model = self._model or self._model_asked()
        common = {**self._common, **({"gen_ai.request.model": model} if model else {})}
        label = "" if self._model else self._server.model_label
        found = points(page, self._server.table, server=self._server.title, common=common, model_label=label)
        found.append(self._state("ready", model))
        found += self._cold_start(page, model)
        if page.malformed:
            found.append(Point(name=names.SKIPPED, value=page.malformed, unit="{line}", attributes=self._common))
        return found

    def _state(self, state: str, model: str = "") -> Point:
        attributes = {**self._common, "spanmeter.serving.state": state}
        if model or self._model:
            attributes["gen_ai.request.model"] = model or self._model
        return Point(name=names.STATE, value=1, unit="1", attributes=attributes)

    def _cold_start(self, page: Page, model: str) -> list[Point]:
        """A server that was seen not ready and is ready now took this long; of one that was ready, nothing is known."""
        now, since = self._clock(), self._loading_since
        if since is None and self._was_down:
            since = next((sample.value for sample in page.named(_STARTED)), None)
        self._was_down, self._loading_since = False, None
        if since is None or not 0 <= now - since < 24 * 3600:
            return []
        attributes = {**self._common, **({"gen_ai.request.model": model} if model else {})}
        return [Point(name=names.COLD_START, value=now - since, unit="s", attributes=attributes)]

    def _model_asked(self) -> str:
        """Ask a server whose page does not name its model, until it has said."""
        if self._asked or not self._server.model_at:
            return self._asked
        try:
            fetched = self._get(f"{self._origin}{self._server.model_at}")
            answer = json.loads(fetched.body[:_ANSWER_BYTES]) if fetched.status == 200 else None
            self._asked = self._server.model_in(answer)
        except (SourceFailed, ValueError, LookupError, TypeError):
            self._asked = ""  # the page is worth having without a model's name; asked again next time
        return self._asked

    def _what_it_says(self, fetched: Fetched) -> str:
        said = fetched.body[:120].decode("utf-8", "replace").strip()
        advice: Mapping[int, str] = {
            401: "the page asks for credentials, which the agent does not send",
            404: f"{self._server.title} serves no metrics there; are they switched on?",
            501: f"{self._server.title} runs without metrics; start it with them on",
        }
        return f"{self._origin}{self._path}: status {fetched.status}, {advice.get(fetched.status, said or 'no text')}"
