"""What the gateway's own code costs for one exchange, everything on, without sockets: python -m bench.exchange_cpu

A client's request and the upstream's answer are handed to the connections as the event loop would hand them, and what
they write is thrown away; only the spool's segment is a file. The rest of an exchange's cost is the kernel's.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.desk import BODY
from bench.nginx import ANSWER
from ingestion.settings import GatewaySettings
from proxy.gateway import Gateway
from proxy.keys_source import Key, write_snapshot
from proxy.server import ClientConnection
from proxy.upstream import UpstreamConnection

__all__ = ["main", "microseconds"]

SECRET = "sm-sk-bench"
ROUNDS, EXCHANGES, TOGETHER = 7, 20_000, 2  # as many exchanges share a turn of the loop under load
HEAD = (
    f"POST /k/{SECRET}/openai/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8100\r\n"
    f"Content-Type: application/json\r\nAuthorization: Bearer sk-provider\r\nContent-Length: {len(BODY)}\r\n\r\n"
)
ANSWERED = (
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 15:00:00 GMT\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\nConnection: keep-alive\r\n\r\n{ANSWER}"
)


class _Nowhere:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self.bytes += len(data)

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 50000) if name == "peername" else None

    def set_write_buffer_limits(self, high: int) -> None:
        pass


class _Turns:
    """As much of an event loop as an exchange needs: what is to be called soon."""

    def __init__(self) -> None:
        self._soon: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    def call_soon(self, call: Callable[..., object], *arguments: Any) -> None:
        self._soon.append((call, arguments))

    def turn(self) -> None:
        """Call what was to be called."""
        due, self._soon = self._soon, []
        for call, arguments in due:
            call(*arguments)


def _gateway(home: Path, loop: _Turns) -> Gateway:
    write_snapshot(home / "gateway" / "keys.json", [Key(1, 1, "sm-pk-bench", sha256(SECRET.encode()).hexdigest())])
    values = {"SPANMETER_HOME": str(home), "SPANMETER_UPSTREAM_OPENAI": "http://127.0.0.1:9"}
    values["SPANMETER_DATABASE_URL"] = f"sqlite:///{home}/nothing.sqlite3"
    gateway = Gateway(GatewaySettings.read(values), loop=loop)  # type: ignore[arg-type]
    gateway.services.keys.load()
    return gateway


def microseconds(home: Path) -> float:
    """Return the processor time of one exchange in the best of the rounds."""
    loop = _Turns()
    services = _gateway(home, loop).services
    clients, upstreams, request, answer = [], [], HEAD.encode() + BODY.encode(), ANSWERED.encode()
    for _ in range(TOGETHER):
        client = ClientConnection(services)
        client.connection_made(_Nowhere())  # type: ignore[arg-type]
        clients.append(client)
        upstream = UpstreamConnection()
        upstream.connection_made(_Nowhere())  # type: ignore[arg-type]
        upstreams.append(upstream)
    origin = services.routes.origins[b"openai"]
    for upstream in upstreams:
        services.pool.give(origin, upstream, now=time.monotonic_ns())
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(EXCHANGES // TOGETHER):
            for client in clients:
                client.data_received(request)
            for upstream in upstreams:
                if upstream.exchange is not None:
                    upstream.data_received(answer)
            loop.turn()
        best = min(best, (time.process_time() - began) / EXCHANGES)
    return best * 1e6


def main() -> int:
    """Print it."""
    asyncio.set_event_loop(None)
    with tempfile.TemporaryDirectory(prefix="spanmeter-bench-") as home:
        print(f"one exchange: {microseconds(Path(home)):.1f} us of the gateway's own code")
    return 0


if __name__ == "__main__":
    sys.exit(main())
