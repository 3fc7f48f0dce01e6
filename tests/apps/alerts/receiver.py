"""A receiver of webhooks: a real HTTP server on a free port that keeps what came and answers as it is told."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Got", "Receiver", "Said", "dripping", "receiver"]


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """One answer."""

    status: int = 200
    body: bytes = b"ok"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Receiver:
    """`answer` decides; what came is in `got`. `arrived` is set by each request."""

    url: str = ""
    answer: Callable[[Got], Said] = field(default=lambda _: Said())
    got: list[Got] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, *, seconds: float = 30) -> bool:
        """Until so many requests have come."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.got) >= count, timeout=seconds)

    def ids(self) -> list[str]:
        """The webhook-id of each request."""
        return [one.headers.get("webhook-id", "") for one in self.got]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Started, and stopped."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length))
            with kept.arrived:
                kept.got.append(got)
                kept.arrived.notify_all()
            said = kept.answer(got)
            self.send_response(said.status)
            for name, value in said.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(said.body)))
            self.end_headers()
            try:
                self.wfile.write(said.body)
            except OSError:
                self.close_connection = True  # the caller had read enough

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            return  # a caller that was killed is no error of the receiver

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def dripping(piece: bytes, *, pause: float = 0.05) -> Iterator[str]:
    """A server that sends one piece after another for ever, and never a whole answer; the address is returned."""
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            while not stop.wait(pause):
                try:
                    connection.sendall(piece)
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        stop.set()
        listening.close()
        thread.join()
