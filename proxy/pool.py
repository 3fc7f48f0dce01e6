"""Connections to upstreams, kept alive per origin. Taking one that is idle needs no await.

The one most recently used is taken first, so that the others grow old and are closed. One that has been idle for a
moment is asked by the kernel whether the other side has hung up before a request is trusted to it.
"""

import asyncio
import logging
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable

from proxy.routing import Origin
from proxy.targets import forbidden_address
from proxy.upstream import UpstreamConnection

__all__ = ["Pool", "TargetRefused", "trust_store"]

log = logging.getLogger("proxy.pool")
_LONGEST_IDLE = 30_000_000_000  # ns
_ASK_AFTER = 20_000_000
_MOST_IDLE = 256
_HIGH_WATER = 256 * 1024


class TargetRefused(Exception):  # noqa: N818 - a verdict on the target
    """A client named a host that resolves to an address which is not for clients to reach."""


def trust_store() -> ssl.SSLContext:
    """Return a context that verifies: the system's authorities (or SSL_CERT_FILE), else certifi's."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and not ssl.get_default_verify_paths().capath:
        import certifi

        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


class Pool:
    """Idle connections and new ones."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop, connect_timeout: float) -> None:
        self._loop = loop
        self._timeout = connect_timeout
        self._idle: dict[str, deque[UpstreamConnection]] = {}
        self._context: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, origin: Origin, *, now: int) -> UpstreamConnection | None:
        """Return an idle connection that is not known to be dead; `now` in ns of the monotonic clock."""
        idle = self._idle.get(origin.pool)
        while idle:
            connection = idle.pop()
            if not connection.transport.is_closing() and not self._hung_up(connection, now):
                return connection
            connection.transport.abort()
        return None

    def _hung_up(self, connection: UpstreamConnection, now: int) -> bool:
        idle = now - connection.idle_since
        if idle < _ASK_AFTER:
            return False
        if idle > _LONGEST_IDLE:
            return True
        found = connection.transport.get_extra_info("socket")
        try:
            # The loop's socket object is a stand-in without recv.
            with socket.socket(fileno=os.dup(found.fileno())) as duplicate:
                duplicate.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True  # its end, or bytes that nobody asked for

    def give(self, origin: Origin, connection: UpstreamConnection, *, now: int) -> None:
        """Take back a connection whose exchange is over."""
        connection.exchange = None
        idle = self._idle.get(origin.pool)
        if idle is None:
            idle = self._idle[origin.pool] = deque()
        if len(idle) >= _MOST_IDLE:
            connection.transport.close()
            return
        connection.reused = True
        connection.idle_since = now
        idle.append(connection)

    def connect(
        self,
        origin: Origin,
        *,
        made: Callable[[UpstreamConnection], None],
        failed: Callable[[Exception], None],
    ) -> "asyncio.Task[None]":
        """Open a connection; exactly one of the callbacks is called, unless the task is cancelled."""

        async def run() -> None:
            try:
                async with asyncio.timeout(self._timeout):
                    connection = await self._open(origin)
            except TimeoutError:
                failed(TimeoutError(f"no connection to {origin.authority} within {self._timeout:g} s"))
            except (OSError, ssl.SSLError, ssl.CertificateError, TargetRefused, UnicodeError) as error:
                failed(error)
            else:
                made(connection)

        task = self._loop.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self, origin: Origin) -> UpstreamConnection:
        context = None
        if origin.scheme == "https":
            if self._context is None:
                self._context = trust_store()
            context = self._context
        host = origin.host
        if origin.checked:
            host = await self._checked_address(origin)
        transport, connection = await self._loop.create_connection(
            UpstreamConnection,
            host,
            origin.port,
            ssl=context,
            server_hostname=origin.host if context is not None else None,
            ssl_shutdown_timeout=1.0 if context is not None else None,
        )
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        return connection

    async def _checked_address(self, origin: Origin) -> str:
        found = await self._loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        refused = forbidden_address(addresses)
        if refused:
            raise TargetRefused(
                f"{origin.host} resolves to {refused}, which is not a public address: name the host in full in "
                "SPANMETER_ALLOWED_TARGETS if that is meant"
            )
        return addresses[0]

    def sweep(self, now: int) -> None:
        """Close what has been idle for long; called now and then."""
        for name, idle in list(self._idle.items()):
            while idle and (idle[0].transport.is_closing() or now - idle[0].idle_since > _LONGEST_IDLE):
                idle.popleft().transport.close()
            if not idle:
                del self._idle[name]

    def close(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        for idle in self._idle.values():
            for connection in idle:
                connection.transport.abort()
        self._idle.clear()
