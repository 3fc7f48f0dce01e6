"""Closed-loop HTTP load: wrk where it is installed, else a plain client of ours. Says which."""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Load", "Request", "run_load"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent again and again."""

    port: int
    path: str
    body: str
    headers: Mapping[str, str]

    def wire(self) -> bytes:
        """Return the request's bytes."""
        body = self.body.encode()
        lines = [f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + body


@dataclass(frozen=True, slots=True)
class Load:
    """What came back. Latencies in microseconds."""

    tool: str
    requests: int
    refused: int
    seconds: float
    p50_us: float
    p99_us: float

    @property
    def per_second(self) -> float:
        """Answered requests a second."""
        return self.requests / self.seconds


def run_load(request: Request, *, connections: int, seconds: float) -> Load:
    """Keep `connections` busy for `seconds`."""
    if shutil.which("wrk"):
        return _wrk(request, connections=connections, seconds=seconds)
    return asyncio.run(_own(request, connections=connections, seconds=seconds))


def _wrk(request: Request, *, connections: int, seconds: float) -> Load:
    headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in request.headers.items())
    script = f'wrk.method = "POST"\nwrk.body = [==[{request.body}]==]\n{headers}\n'
    script += """
    done = function(summary, latency)
      print(string.format("RESULT %d %d %d %.1f %.1f", summary.requests, summary.errors.status + summary.errors.connect
        + summary.errors.read + summary.errors.write + summary.errors.timeout, summary.duration,
        latency:percentile(50), latency:percentile(99)))
    end
    """
    with tempfile.TemporaryDirectory(prefix="spanmeter-bench-wrk-") as directory:
        path = Path(directory) / "post.lua"
        path.write_text(script, encoding="utf-8")
        output = subprocess.check_output(
            ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(path),
             f"http://127.0.0.1:{request.port}{request.path}"],
            text=True,
        )  # fmt: skip
    found = re.search(r"RESULT (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", output)
    if not found:
        raise RuntimeError(f"wrk printed no result: {output}")
    requests, refused, duration = int(found[1]), int(found[2]), int(found[3]) / 1e6
    return Load("wrk", requests - refused, refused, duration, float(found[4]), float(found[5]))


class _Caller(asyncio.Protocol):
    """One connection: sends, waits for the whole answer by its Content-Length, sends again."""

    def __init__(self, wire: bytes, deadline: float, times: list[float], refused: list[int]) -> None:
        self._wire, self._deadline, self._times, self._refused = wire, deadline, times, refused
        self._left = 0
        self._head = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        if self._sent > self._deadline:
            self._transport.close()
            return
        self._transport.write(self._wire)

    def data_received(self, data: bytes) -> None:
        if self._left == 0:
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            found = re.search(rb"(?i)content-length: *(\d+)", head)
            self._left = int(found[1]) if found else 0
            if not head.startswith(b"HTTP/1.1 2"):
                self._refused.append(1)
            self._head, data = b"", rest
        self._left -= len(data)
        if self._left <= 0:
            self._left = 0
            self._times.append(time.perf_counter() - self._sent)
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _own(request: Request, *, connections: int, seconds: float) -> Load:
    times: list[float] = []
    refused: list[int] = []
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: _Caller(request.wire(), began + seconds, times, refused), "127.0.0.1", request.port
        )
        callers.append(caller)
    await asyncio.gather(*(caller.done for caller in callers))
    times.sort()
    p50, p99 = (times[int(len(times) * share)] * 1e6 for share in (0.5, 0.99))
    return Load("own client", len(times) - len(refused), len(refused), time.perf_counter() - began, p50, p99)
