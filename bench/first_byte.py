"""A blocking client with one connection that times the first byte of a streamed body.."""

import socket
import time

from bench.load import Request

__all__ = ["FirstByteClient"]


class FirstByteClient:
    """Sends one request at a time over one kept connection."""

    def __init__(self, request: Request) -> None:
        self._wire = request.wire()
        self._socket = socket.create_connection(("127.0.0.1", request.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> float:
        """Return seconds from the request's last byte to the body's first."""
        self._socket.sendall(self._wire)
        sent = time.perf_counter()
        seen, first = b"", 0.0
        while not seen.endswith(b"0\r\n\r\n"):
            data = self._socket.recv(65536)
            arrived = time.perf_counter()
            if not data:
                raise ConnectionError(f"the answer ended early: {seen[:200]!r}")
            seen += data
            _, end, body = seen.partition(b"\r\n\r\n")
            if not first and end and body:
                first = arrived
            if end and not seen.startswith(b"HTTP/1.1 200"):
                raise ConnectionError(f"refused: {seen[:300]!r}")
        return first - sent

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
