"""The agent's bodies on the SDK's way to the gateway: sent, or kept in a bounded spool on disk and sent later."""

import gzip
import time

from spanmeter._delivery import Delivery
from spanmeter._encode import Body
from spanmeter._http import Sender
from spanmeter._settings import Settings
from spanmeter._spool import spool_for

__all__ = ["Sending"]

_SLICE = 5.0  # seconds of sending what waited between two readings


class Sending:
    """One gateway and one key."""

    def __init__(self, settings: Settings, *, agent: str) -> None:
        sender = Sender(base_url=settings.base_url, api_key=settings.api_key, timeout=settings.timeout, agent=agent)
        directory = settings.spool_directory / "gpu" if settings.spool_directory else None
        spool, self.why_in_memory = spool_for(
            directory, base_url=settings.base_url, api_key=settings.api_key, most_bytes=settings.spool_bytes
        )
        self._sender = sender
        self._compression = settings.compression
        self.delivery = Delivery(sender=sender, spool=spool, clock=time.monotonic)

    def take(self, content: bytes, points: int) -> None:
        """Send it, or keep it until it can be sent."""
        # No time in the header: the same points are the same bytes.
        body = gzip.compress(content, compresslevel=6, mtime=0) if self._compression else content
        self.delivery.deliver(Body("metrics", body, self._compression, points))

    def send_waiting(self) -> None:
        """Send what waits, for a while."""
        self.delivery.drain(until=time.monotonic() + _SLICE)

    def close(self) -> None:
        """Drop the connection; what waits stays in the spool for the next agent."""
        self._sender.close()
