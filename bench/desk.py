"""What the rows share: how long to measure, where to keep things, and the programs that are started once and stopped
at the end.
"""

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bench.load import Request
from bench.nginx import nginx_answering, nginx_forwarding
from bench.spanmeter import Spanmeter, spanmeter_running
from bench.stream_upstream import stream_upstream
from proxy.workers import how_many

__all__ = ["CACHE", "Desk", "NotGeneratedError"]

CACHE = Path(__file__).parent / ".cache"
PROMPT = (
    "You keep the books of a small company. Say in plain words what these four lines of the ledger mean, "
    "which of them cannot be right, and what you would ask the person who wrote them. "
)
BODY = (
    '{"model":"gpt-4o-mini","user":"bench","messages":[{"role":"system","content":"Answer briefly."},'
    '{"role":"user","content":"' + PROMPT * 4 + '"}],"temperature":0.2}'
)


class NotGeneratedError(FileNotFoundError):
    """What a row measures must be generated first; the message says how."""


@dataclass
class Desk:
    """Lazily started programs; `seconds` is how long one load runs, `spans` how large the large store is."""

    seconds: float = 10.0
    spans: int = 10_000_000
    quick: bool = False
    stack: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def upstream(self) -> int:
        """An upstream that answers at once."""
        return self.stack.enter_context(nginx_answering())

    @cached_property
    def streaming_upstream(self) -> int:
        """An upstream that streams events with a pause before the first."""
        return self.stack.enter_context(stream_upstream())

    @cached_property
    def nginx(self) -> int:
        """nginx as a plain reverse proxy in front of the upstream."""
        return self.stack.enter_context(nginx_forwarding(self.upstream, processes=self.gateway_processes))

    @property
    def gateway_processes(self) -> int:
        """How many processes the gateway has where nothing is set."""
        return how_many(0, cores=len(os.sched_getaffinity(0)))

    @cached_property
    def spanmeter(self) -> Spanmeter:
        """A Spanmeter in an empty home, in front of both upstreams."""
        home = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="spanmeter-bench-")))
        settings = {
            "SPANMETER_UPSTREAM_OPENAI": f"http://127.0.0.1:{self.upstream}",
            "SPANMETER_UPSTREAM_STREAMING": f"http://127.0.0.1:{self.streaming_upstream}",
        }
        return self.stack.enter_context(spanmeter_running(home, settings=settings))

    @property
    def large_home(self) -> Path:
        """Where `python -m bench.generate` keeps the large store."""
        return CACHE / f"spans-{self.spans}"

    @cached_property
    def large(self) -> Spanmeter:
        """A Spanmeter over the large store; raises NotGeneratedError when there is none yet."""
        if not (self.large_home / "generated.json").exists():
            raise NotGeneratedError(f"run `python -m bench.generate --spans {self.spans}` first")
        return self.stack.enter_context(spanmeter_running(self.large_home))

    def direct_request(self, port: int) -> Request:
        """The request that every proxy forwards."""
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-provider"}
        return Request(port, "/v1/chat/completions", BODY, headers)

    def gateway_request(self) -> Request:
        """The same request through our gateway, recorded."""
        direct = self.direct_request(self.spanmeter.gateway_port)
        return Request(direct.port, f"/k/{self.spanmeter.key}/openai/v1/chat/completions", direct.body, direct.headers)
