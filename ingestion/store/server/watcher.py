"""While a connection's thread is inside the engine or stuck in a send, somebody must notice that its client cancels
or is gone.

One thread for all connections; it only peeks, the bytes stay for the connection. Knows no protocol beyond the first
byte of Cancel.
"""

import contextlib
import select
import socket
import threading
from collections.abc import Callable

__all__ = ["Watcher"]

_CANCEL = b"\x03"
_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT


class Watcher:
    """Calls back, once, when a watched socket has a Cancel packet waiting (True) or was closed by its peer (False)."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, tuple[socket.socket, Callable[[bool], None]]] = {}
        self._lock = threading.Lock()
        self._wake, self._woken = socket.socketpair()
        self._epoll.register(self._woken, select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def watch(self, sock: socket.socket, callback: Callable[[bool], None]):  # type: ignore[no-untyped-def]
        """Watch within the block. After it no callback is running or will come."""
        number = sock.fileno()
        with self._lock:
            self._watched[number] = (sock, callback)
            self._epoll.register(number, _EVENTS)
        try:
            yield
        finally:
            with self._lock:
                del self._watched[number]
                self._epoll.unregister(number)

    def close(self) -> None:
        """Stop the thread."""
        self._wake.send(b"\0")
        self._thread.join()
        self._epoll.close()
        self._wake.close()
        self._woken.close()

    def _run(self) -> None:
        while True:
            for number, _events in self._epoll.poll():
                if number == self._woken.fileno():
                    return
                # The lock is held through the callback: whoever leaves `watch` waits for it, so it cannot hit the
                # next query.
                with self._lock:
                    if number in self._watched:
                        self._look(*self._watched[number])

    def _look(self, sock: socket.socket, callback: Callable[[bool], None]) -> None:
        try:
            first = sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            first = b""
        if first in {b"", _CANCEL}:
            callback(first == _CANCEL)
