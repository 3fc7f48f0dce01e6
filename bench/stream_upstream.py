"""An upstream that streams: a pause, then events. In a process of its own, so that its clock is not the client's
burden.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.free_port import free_port, wait_for_port

__all__ = ["EVENTS", "stream_upstream"]

PAUSE_SECONDS = 0.005
EVENTS = [
    {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "model": "gpt-4o-mini",
     "choices": [{"index": 0, "delta": {"content": f" word{number}"}, "finish_reason": None}]}
    for number in range(20)
]  # fmt: skip
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


_FIRST = _chunk(f"data: {json.dumps(EVENTS[0])}\n\n".encode())
_REST = _chunk("".join(f"data: {json.dumps(event)}\n\n" for event in EVENTS[1:]).encode() + b"data: [DONE]\n\n")


@contextmanager
def stream_upstream() -> Iterator[int]:
    """Serve on a free port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.stream_upstream", str(port)])
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class _Streamer(asyncio.Protocol):
    """Answers each request with head and first event after the pause, then the rest."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, end, body = self._seen.partition(b"\r\n\r\n")
        if not end:
            return
        lowered = head.lower()
        length = int(lowered.partition(b"content-length:")[2].split()[0]) if b"content-length:" in lowered else 0
        if len(body) >= length:
            self._seen = b""
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._answer)

    def _answer(self) -> None:
        self._transport.write(_HEAD + _FIRST)
        asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._transport.write, _REST + b"0\r\n\r\n")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Streamer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
