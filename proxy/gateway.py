"""The gateway as a whole: its parts put together, started, swept once a second, and stopped in order."""

import asyncio
import errno
import functools
import logging
import resource
import socket
import time

from ingestion.settings import GatewaySettings, SettingsError
from ingestion.spool.writer import SpoolWriter
from proxy.commit import GroupCommit
from proxy.keys import Keys
from proxy.metrics import Metrics
from proxy.openings import Openings
from proxy.pool import Pool
from proxy.routing import Routes
from proxy.server import ClientConnection
from proxy.services import Services
from proxy.shared_metrics import SharedMetrics
from proxy.targets import AllowedTargets
from proxy.workers import BACKLOG

__all__ = ["GRACE_SECONDS", "CannotListen", "Gateway"]

log = logging.getLogger("proxy")
GRACE_SECONDS = 25.0


class CannotListen(Exception):  # noqa: N818 - said to a person, who can act on it
    """The address cannot be had; the message names it and the setting."""


class Gateway:
    """One gateway process's work."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket | None = None,
        slot: int = -1,
    ) -> None:
        """With a `listener` (and the number of its place) this is one of several workers behind one port."""
        try:
            routes = Routes(settings.upstreams)
        except ValueError as error:
            raise SettingsError(f"SPANMETER_UPSTREAM_…: {error}") from error
        targets = AllowedTargets(allowed_hosts=settings.allowed_hosts, upstreams=settings.upstreams.values())
        writer = SpoolWriter(
            settings.home / "spool", total_bytes=settings.spool_bytes, segment_bytes=settings.segment_bytes
        )
        keys = Keys(
            database_url=settings.database_url,
            snapshot=settings.home / "gateway" / "keys.json",
            refresh=settings.key_refresh,
        )
        metrics = Metrics()
        self._listener = listener
        self.services = Services(
            settings=settings,
            loop=loop,
            keys=keys,
            routes=routes,
            targets=targets,
            pool=Pool(loop=loop, connect_timeout=settings.connect_timeout),
            commit=GroupCommit(writer, loop=loop, fsync=settings.fsync, interval=settings.fsync_interval),
            openings=Openings(loop=loop),
            metrics=metrics,
            shared=SharedMetrics(settings.home / "gateway" / "workers", slot=slot, own=metrics),
        )
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises CannotListen."""
        services, settings = self.services, self.services.settings
        try:
            made = functools.partial(ClientConnection, services)
            if self._listener is not None:
                self._server = await services.loop.create_server(made, sock=self._listener, backlog=BACKLOG)
            else:
                self._server = await services.loop.create_server(made, settings.host, settings.port, backlog=BACKLOG)
        except OSError as error:
            await services.commit.close()
            raise CannotListen(why_not(error, settings)) from error
        services.shared.take_over()
        services.keys.start()
        services.commit.start()
        self._sweeper = services.loop.create_task(self._sweep())
        return int(self._server.sockets[0].getsockname()[1])

    async def _last_answers(self, grace: float) -> None:
        """Wait until the last connection has ended, or for so long."""
        drained = self.services.drained
        if self.services.connections:
            drained.clear()
            try:
                await asyncio.wait_for(drained.wait(), grace)
            except TimeoutError:
                pass

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic_ns()
            for connection in list(self.services.connections):
                connection.sweep(now)
            self.services.pool.sweep(now)
            self.services.shared.leave()

    async def stop(self, *, grace: float = GRACE_SECONDS) -> None:
        """Accept nothing more, let what is under way finish, record what does not, keep the spool safe."""
        services = self.services
        services.stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(services.connections):
            if not connection.busy:
                connection.shut_down()
        await self._last_answers(grace)
        for connection in list(services.connections):
            connection.shut_down()
        await asyncio.sleep(0)
        services.openings.close()
        services.commit.flush()
        if self._sweeper is not None:
            self._sweeper.cancel()
        services.keys.stop()
        services.pool.close()
        await services.commit.close()
        for connection in list(services.connections):
            connection.abort()


def why_not(error: OSError, settings: GatewaySettings) -> str:
    """Say why the address cannot be had, and what to do."""
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {settings.port} is taken ({where}): another program, perhaps another gateway, listens there. "
            "Stop it, or set SPANMETER_GATEWAY_PORT to a free port."
        )
    if error.errno == errno.EACCES:
        return f"port {settings.port} may not be used by this user: set SPANMETER_GATEWAY_PORT to a port above 1023."
    return f"cannot listen on {where}: {error.strerror}. Check SPANMETER_GATEWAY_HOST and SPANMETER_GATEWAY_PORT."


def raise_file_limit() -> None:
    """Allow as many connections as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
