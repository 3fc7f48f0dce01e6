"""Sends OTLP bodies over a few kept connections as fast as they are answered. A process of its own: `python -m
bench.otlp_sender`.

Prints one line of JSON: sent, refused, seconds.
"""

import argparse
import json
import selectors
import socket
import time
from collections import Counter

from bench.otlp_body import OtlpBodies

__all__ = ["main"]


class _Connection:
    """One request in flight at a time."""

    def __init__(self, port: int, head: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = head
        self._seen = b""

    def send(self, body: bytes) -> None:
        """Write one request whole."""
        self.socket.sendall(self._head.format(length=len(body)).encode("ascii") + body)

    def receive(self) -> int:
        """Return the status once the answer is whole, else 0."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"the gateway closed the connection after {self._seen!r}")
        self._seen += data
        head, end, body = self._seen.partition(b"\r\n\r\n")
        length = int((head.lower().partition(b"content-length:")[2].split() or [b"0"])[0])
        if not end or len(body) < length:
            return 0
        self._seen = b""
        return int(head.split(None, 2)[1])


def main() -> None:
    """Send until the time or the number is reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--spans", type=int, default=100)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--most", type=int, default=1 << 62, help="spans after which to stop")
    given = parser.parse_args()
    bodies = OtlpBodies(spans=given.spans)
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:{given.port}\r\nAuthorization: Bearer {given.key}\r\n"
        "Content-Type: application/x-protobuf\r\nContent-Length: {length}\r\n\r\n"
    )
    selector = selectors.DefaultSelector()
    began = time.time()
    deadline = began + given.seconds
    for _ in range(given.connections):
        connection = _Connection(given.port, head)
        connection.send(bodies.next()[0])
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    statuses: Counter[int] = Counter()
    busy = begun = given.connections
    while busy:
        for key, _ in selector.select():
            status = key.data.receive()
            if not status:
                continue
            statuses[status] += 1
            if time.time() < deadline and begun * given.spans < given.most:
                begun += 1
                key.data.send(bodies.next()[0])
            else:
                busy -= 1
                selector.unregister(key.fileobj)
    result = {"accepted": statuses[200], "refused": sum(statuses.values()) - statuses[200], "began": began,
              "ended": time.time(), "body_bytes": bodies.size, "statuses": dict(statuses)}  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
