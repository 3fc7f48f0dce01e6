"""What every connection needs, put together once at start: no globals, no look-ups on the way."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from ingestion.settings import GatewaySettings
from proxy.commit import GroupCommit
from proxy.keys import Keys
from proxy.metrics import Metrics
from proxy.openings import Openings
from proxy.pool import Pool
from proxy.routing import Routes
from proxy.shared_metrics import SharedMetrics
from proxy.targets import AllowedTargets

__all__ = ["Connection", "Services"]


class Connection(Protocol):
    """A client's connection, whatever is spoken on it."""

    @property
    def busy(self) -> bool:
        """Say whether something is being answered."""

    def sweep(self, now: int) -> None:
        """Close what takes too long; `now` in ns of the monotonic clock."""

    def drain(self) -> None:
        """Begin nothing new, and end when what is under way is answered."""

    def shut_down(self) -> None:
        """Stop now, with an answer where there can be one."""

    def abort(self) -> None:
        """End at once."""


@dataclass(slots=True)
class Services:
    """The gateway's parts."""

    settings: GatewaySettings
    loop: asyncio.AbstractEventLoop
    keys: Keys
    routes: Routes
    targets: AllowedTargets
    pool: Pool
    commit: GroupCommit
    openings: Openings
    metrics: Metrics
    shared: SharedMetrics
    stopping: bool = False
    connections: set[Connection] = field(default_factory=set)
    drained: asyncio.Event = field(default_factory=asyncio.Event)

    def left(self, connection: Connection) -> None:
        """A client's connection has ended."""
        self.connections.discard(connection)
        if not self.connections:
            self.drained.set()

    def unrecorded(self, project_id: int) -> None:
        """Count an exchange that passed through without its record being written."""
        writer = self.commit.writer
        reason = writer.refusal or "disk_full"
        writer.tally.count(project_id, reason, now_ns=time.time_ns())
        self.metrics.unrecorded[reason] += 1
