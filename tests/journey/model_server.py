"""A small OpenAI-shaped upstream in a thread: answers with usage, streams with pauses, remembers what reached it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["ModelServer", "model_server"]

PIECES = 5


class ModelServer(ThreadingHTTPServer):
    """Listens on a free port of the loopback."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *, pause: float) -> None:
        """`pause` in seconds, between the events of a stream and before an answer."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pause = pause
        self.seen: set[str] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """The origin."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a connection that breaks is what the tests do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ModelServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        marker = body["messages"][-1]["content"]
        with self.server.lock:
            self.server.seen.add(marker)
        time.sleep(self.server.pause)
        head = {"id": f"chatcmpl-{marker}", "created": 1_790_000_000, "model": "gpt-4o-2024-08-06"}
        if body.get("stream"):
            self._stream(head, marker)
        else:
            answer = head | {
                "object": "chat.completion",
                "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"yes {marker}"}}
                ],
                "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
            }
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def _stream(self, head: dict[str, object], marker: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        head = head | {"object": "chat.completion.chunk"}
        for piece in range(PIECES):
            delta = {"role": "assistant", "content": ""} if piece == 0 else {"content": f"{marker} {piece} "}
            self._event(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            time.sleep(self.server.pause)
        self._event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._event(head | {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100}})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, content: dict[str, object]) -> None:
        self._chunk(b"data: " + json.dumps(content).encode() + b"\n\n")

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
        self.wfile.flush()


@contextmanager
def model_server(*, pause: float = 0.005) -> Iterator[ModelServer]:
    """Serve until the block ends."""
    server = ModelServer(pause=pause)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
