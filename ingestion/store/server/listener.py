"""The listening socket: a thread per client, a bound on their number, and an orderly end."""

import logging
import select
import socket
import threading
import time

from ingestion.store.server.connection import Connection, Service
from ingestion.store.server.packets import exception

__all__ = ["Listener"]

log = logging.getLogger("spanmeter.store")

_TOO_MANY = 202


class Listener:
    """Accepts clients on a bound socket until it is told to stop."""

    def __init__(self, sock: socket.socket, service: Service, *, most: int = 200) -> None:
        self._socket = sock
        self._service = service
        self._most = most
        self._clients: dict[Connection, threading.Thread] = {}
        self._lock = threading.Lock()
        self._wake, self._woken = socket.socketpair()

    def serve(self) -> None:
        """Accept until `stop`."""
        while self._woken not in select.select([self._socket, self._woken], [], [])[0]:
            try:
                client, _address = self._socket.accept()
            except OSError as error:  # it left between the two calls, or we are out of file descriptors
                log.warning("cannot accept a client: %s", error)
                time.sleep(0.05)
                continue
            self._welcome(client)
        self._socket.close()

    def stop(self) -> None:
        """End `serve`; may be called from a signal handler."""
        self._wake.send(b"\0")

    def drain(self, *, patience: float) -> None:
        """End every connection: statements that write are waited for, `patience` seconds in all."""
        deadline = time.monotonic() + patience
        with self._lock:
            clients = list(self._clients.items())
        for client, _thread in clients:
            client.stop(patience=max(0.0, deadline - time.monotonic()))
        for _client, thread in clients:
            thread.join(timeout=max(1.0, deadline - time.monotonic()))

    def _welcome(self, sock: socket.socket) -> None:
        with self._lock:
            full = len(self._clients) >= self._most
        if full:
            sock.setblocking(False)
            sock.send(exception(_TOO_MANY, f"DB::Exception: the store serves at most {self._most} connections at once"))
            sock.close()
            return
        client = Connection(sock, self._service)
        thread = threading.Thread(target=self._run, args=(client,), name="client", daemon=True)
        with self._lock:
            self._clients[client] = thread
        thread.start()

    def _run(self, client: Connection) -> None:
        try:
            client.serve()
        except Exception:
            log.exception("a connection ended by a fault of the store")
        finally:
            with self._lock:
                del self._clients[client]
