"""A receiver of webhooks, as small as one can be: checks the signature, remembers what came, says yes.

The signature is that of the Standard Webhooks specification: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from apps.config.demo.server import DemoError

__all__ = ["Receiver", "receiving", "signed_by"]


def signed_by(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Say whether a request carries a signature made with this secret (`whsec_…`)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(wanted, one) for one in given)


@dataclass
class Receiver:
    """What arrived, by webhook-id: a message that is sent twice is handled once."""

    url: str
    secret: str
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Return the status to answer with."""
        if not signed_by(self.secret, headers, body):
            return 401
        with self.arrived:
            self.messages.setdefault(headers["webhook-id"], json.loads(body))
            self.arrived.notify_all()
        return 204

    def wait(self, *, seconds: float) -> list[dict[str, Any]]:
        """Return what has come once something has, or nothing after so many seconds."""
        with self.arrived:
            self.arrived.wait_for(lambda: bool(self.messages), timeout=seconds)
            return list(self.messages.values())


@contextmanager
def receiving(port: int, *, secret: str) -> Iterator[Receiver]:
    """Listen on loopback until the block ends."""
    kept = Receiver(f"http://127.0.0.1:{port}/alerts", secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            self.send_response(kept.take(headers, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The demo prints what matters itself."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError:
        raise DemoError(
            f"port {port} is in use: stop what listens there, or set SPANMETER_DEMO_PORT (the port before it), "
            "the same for `make up` and `make demo`"
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="demo receiver", daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
