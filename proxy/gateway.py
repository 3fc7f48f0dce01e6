"""The gateway as a whole: its parts put together, started, swept once a second, and stopped in order."""

import asyncio
import functools
import logging
import resource
import socket
import time

from ingestion.settings import GatewaySettings, SettingsError
from ingestion.spool.writer import SpoolWriter
from proxy.commit import GroupCommit
from proxy.keys import Keys
from proxy.listening import CannotListen, why_not
from proxy.metrics import Metrics
from proxy.openings import Openings
from proxy.pool import Pool
from proxy.routing import Routes
from proxy.server import ClientConnection
from proxy.services import Services
from proxy.shared_metrics import SharedMetrics
from proxy.targets import AllowedTargets
from proxy.workers import BACKLOG

__all__ = ["GRACE_SECONDS", "Gateway"]

log = logging.getLogger("proxy")
GRACE_SECONDS = 25.0


class Gateway:
    """One gateway process's work."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket | None = None,
        grpc_listener: socket.socket | None = None,
        slot: int = -1,
    ) -> None:
        """With a `listener` (and the number of its place) this is one of several workers behind one port.

        OTLP over gRPC is served where there is a `grpc_listener`.
        """
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
        self._grpc_listener = grpc_listener
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
        self._grpc_server: asyncio.Server | None = None
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
            raise CannotListen(why_not(error, settings.host, settings.port)) from error
        services.shared.take_over()
        services.keys.start()
        services.commit.start()
        self._sweeper = services.loop.create_task(self._sweep())
        port = int(self._server.sockets[0].getsockname()[1])
        if self._grpc_listener is not None:
            await self._start_grpc(self._grpc_listener, settings.public_url or f"http://{settings.host}:{port}")
        return port

    async def _start_grpc(self, listener: socket.socket, otlp_http: str) -> None:
        from proxy.grpc.connection import GrpcConnection  # with HTTP/2: memory that only who serves it needs

        made = functools.partial(GrpcConnection, self.services, otlp_http=otlp_http.rstrip("/"))
        self._grpc_server = await self.services.loop.create_server(made, sock=listener, backlog=BACKLOG)

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
        for server in (self._server, self._grpc_server):
            if server is not None:
                server.close()
        for connection in list(services.connections):
            if connection.busy:
                connection.drain()
            else:
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


def raise_file_limit() -> None:
    """Allow as many connections as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
