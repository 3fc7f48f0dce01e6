"""Handlers of a few lines: an answer that is known already, and waiting for the keys to be read again."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.server import ClientConnection, Incoming
    from proxy.services import Services

__all__ = ["Answered", "WaitingForKeys"]


class _Passive:
    """Does nothing about whatever happens."""

    def received(self, incoming: "Incoming") -> None:
        """Leave it."""

    def client_lost(self, detail: str) -> None:
        """Leave it."""

    def client_writable(self, writable: bool) -> None:
        """Leave it."""

    def overdue(self, now: int) -> None:
        """Leave it."""

    def shut_down(self) -> None:
        """Leave it."""


class Answered(_Passive):
    """Answers at once, whatever body is still to come."""

    def __init__(self, client: "ClientConnection", answer: bytes, *, close: bool = False) -> None:
        self._client = client
        self._answer = answer
        self._close = close

    def received(self, incoming: "Incoming") -> None:
        """Answer. A body that is not all there yet is not waited for: the connection ends with the answer."""
        close = self._close or not incoming.keep_alive or not incoming.complete
        self._client.finish(incoming, self._answer, close=close)


class WaitingForKeys(_Passive):
    """Holds a request with an unknown key until the keys were read once more: it may have been made a moment ago."""

    def __init__(self, services: "Services", client: "ClientConnection", incoming: "Incoming") -> None:
        self._client = client
        self._incoming = incoming
        client.hold("keys")
        services.keys.unknown(services.loop).add_done_callback(self._read)

    def _read(self, _: "asyncio.Future[None]") -> None:
        client, incoming = self._client, self._incoming
        client.asked_again.add(incoming)
        client.release_hold("keys")
        client.again(incoming)
        client.asked_again.discard(incoming)
