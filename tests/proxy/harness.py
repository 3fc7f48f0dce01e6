"""Running the real gateway in a thread, a key table to let requests in, and a client made of a raw socket."""

import asyncio
import hashlib
import socket
import sqlite3
import threading
from contextlib import closing
from typing import Any

import uvloop

from ingestion.envelope import Kind
from ingestion.envelope.decode import decode
from ingestion.settings import GatewaySettings
from ingestion.spool import layout
from ingestion.spool.segment import walk
from proxy.gateway import Gateway
from proxy.workers import listening_sockets

PROJECT, OTHER_PROJECT = 4242, 777
SECRET = "sm-sk-" + "A" * 43
OUTSIDER = "sm-sk-" + "B" * 43
REVOKED = "sm-sk-" + "C" * 43
EXPIRED = "sm-sk-" + "D" * 43
UNKNOWN = "sm-sk-" + "E" * 43
PUBLIC = "sm-pk-" + "A" * 22

TABLE = """CREATE TABLE IF NOT EXISTS accounts_apikey (id INTEGER PRIMARY KEY, project_id BIGINT, public_key TEXT,
    secret_hash TEXT, revoked_at TEXT, expires_at TEXT)"""


def add_key(home, secret, *, project=PROJECT, public=PUBLIC, revoked=None, expires=None):
    home.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(home / "app.sqlite3")) as database, database:
        database.execute(TABLE)
        database.execute(
            "INSERT INTO accounts_apikey (project_id, public_key, secret_hash, revoked_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (project, public, hashlib.sha256(secret.encode()).hexdigest(), revoked, expires),
        )


def make_database(home):
    add_key(home, SECRET)
    add_key(home, OUTSIDER, project=OTHER_PROJECT, public="sm-pk-" + "B" * 22)
    add_key(home, REVOKED, revoked="2026-01-01 00:00:00")
    add_key(home, EXPIRED, expires="2026-01-01 00:00:00.123456")


def envelopes(home):
    """Everything in the spool, by the time it came."""
    spool = home / "spool"
    found = [
        decode(frame.message)
        for name in layout.writers(spool)
        for segment in layout.segments(spool / name)
        for frame in walk(segment.path.read_bytes())
    ]
    return sorted(found, key=lambda envelope: envelope.received_ns)


def closes(home):
    return [envelope for envelope in envelopes(home) if envelope.kind is Kind.CLOSE]


class RunningGateway:
    """The gateway, in a thread of this process."""

    def __init__(self, home, *, grpc=False, **environment):
        self.home = home
        values = {"SPANMETER_HOME": str(home), "SPANMETER_GATEWAY_PORT": "0", "SPANMETER_KEY_REFRESH": "0.6"}
        self.settings = GatewaySettings.read(values | environment)
        self.loop = uvloop.new_event_loop()
        (listener,) = listening_sockets("127.0.0.1", 0, count=1) if grpc else (None,)
        self.grpc_port = listener.getsockname()[1] if listener else 0
        self.gateway = Gateway(self.settings, loop=self.loop, grpc_listener=listener)
        self.port = self.loop.run_until_complete(self.gateway.start())
        self.url = f"http://127.0.0.1:{self.port}"
        self.unhandled: list[Any] = []
        self.loop.set_exception_handler(lambda loop, context: self.unhandled.append(context))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.stopped = False

    def stop(self, grace=0.0):
        if self.stopped:
            return
        self.stopped = True
        asyncio.run_coroutine_threadsafe(self.gateway.stop(grace=grace), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        assert not self.unhandled, self.unhandled

    def in_loop(self, function):
        """Call something in the loop's thread and return its result."""

        async def call():
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(10)

    def closes(self):
        return closes(self.home)

    def envelopes(self):
        return envelopes(self.home)


class RawClient:
    """A client that knows nothing."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=15)
        self.rest = b""

    def send(self, data):
        self.sock.sendall(data)

    def until(self, mark):
        while mark not in self.rest:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError(self.rest)
            self.rest += piece
        found, _, self.rest = self.rest.partition(mark)
        return found + mark

    def exactly(self, size):
        while len(self.rest) < size:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError(self.rest)
            self.rest += piece
        found, self.rest = self.rest[:size], self.rest[size:]
        return found

    def answer(self):
        """Read one answer with a length; returns (head, body)."""
        head = self.until(b"\r\n\r\n")
        size = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        return head, self.exactly(size)

    def to_the_end(self):
        """Read until the other side closes; ConnectionResetError when it resets."""
        found, self.rest = self.rest, b""
        while piece := self.sock.recv(65536):
            found += piece
        return found

    def close(self):
        self.sock.close()


def post(path="/v1/chat/completions", body=b'{"model": "m"}', *, headers=b"", key=SECRET):
    auth = b"Spanmeter-Auth: Bearer " + key.encode() + b"\r\n" if key else b""
    return b"POST %b HTTP/1.1\r\nHost: gateway\r\n%b%bContent-Length: %d\r\n\r\n%b" % (
        path.encode(),
        auth,
        headers,
        len(body),
        body,
    )
