"""One call: find whose it is, collect its message, have it written, say how that went.

Knows no HTTP/2: the connection says what came of the stream, and sends the answer.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from proxy.auth import Credential, credential_of
from proxy.errors import Refusal
from proxy.grpc.frames import BadFraming, MessageReader, MessageTooLarge
from proxy.grpc.head import CallHead
from proxy.otlp_taking import PROTOBUF, SHUTTING_DOWN, STOPPED_COMING, OtlpTaking
from proxy.pages import problems
from proxy.refused_key import refused_key

if TYPE_CHECKING:
    from proxy.keys_source import Key
    from proxy.services import Services

__all__ = ["Call", "Export", "HealthCheck", "Stream"]

_SERVING, _NOT_SERVING = b"\x08\x01", b"\x08\x02"


class Stream(Protocol):
    """Where a call's answer goes."""

    def succeed(self, message: bytes) -> None:
        """Answer with a message."""

    def fail(self, refusal: Refusal) -> None:
        """Answer that it was refused."""

    def may_go_on(self) -> None:
        """The call is let in: let its body come."""


class Call(Protocol):
    """What the connection tells a call."""

    admitted: bool  # more than the first window of its body may come

    def data(self, piece: bytes) -> None:
        """A piece of the body came."""

    def ended(self) -> None:
        """The client has sent all."""

    def overdue(self, now: int) -> None:
        """About a second has passed; `now` in ns of the monotonic clock."""

    def shut_down(self) -> None:
        """The gateway stops now."""


class _Record(OtlpTaking):
    """The part that both OTLP doors share, answering by way of the call's stream."""

    def __init__(self, stream: Stream, *, services: "Services", key: "Key", head: CallHead) -> None:
        super().__init__(services=services, key=key, signal=head.service, content_type=PROTOBUF, recorded=head.recorded)
        self._stream = stream

    def refusal_at_the_head(self) -> Refusal | None:
        return self._no_room(0)

    def take(self, body: bytes, encoding: str) -> None:
        self._take_body(body, encoding)

    def _accepted(self) -> None:
        self._stream.succeed(b"")

    def _refuse(self, refusal: Refusal) -> None:
        self._services.metrics.requests[self._signal, refusal.status] += 1
        self._stream.fail(refusal)


class Export:
    """A call of one of the three Export methods."""

    def __init__(self, *, services: "Services", stream: Stream, head: CallHead) -> None:
        self.admitted = False
        self._services = services
        self._stream = stream
        self._head = head
        self._reader = MessageReader(most=services.settings.body_bytes)
        self._record: _Record | None = None
        self._ended = False
        self._answered = False
        self._last_event = time.monotonic_ns()

    def begin(self) -> None:
        """Find whose call it is."""
        credential = credential_of(self._head.by_name, path_key="", own_door=True)
        if isinstance(credential, Refusal):
            self._services.metrics.refused_keys += 1
            self._refuse(credential)
            return
        key = self._services.keys.find(credential)
        if key is not None:
            self._admit(key)
            return

        def read(_: "asyncio.Future[None]") -> None:
            self._ask_again(credential)

        self._services.keys.unknown(self._services.loop).add_done_callback(read)

    def _ask_again(self, credential: Credential) -> None:
        """The keys were read once more: the key may have been made a moment ago."""
        if self._answered:
            return
        key = self._services.keys.find(credential)
        if key is not None:
            self._admit(key)
        else:
            self._services.metrics.refused_keys += 1
            self._refuse(refused_key(self._services.keys))

    def _admit(self, key: "Key") -> None:
        self._record = _Record(self._stream, services=self._services, key=key, head=self._head)
        refusal = self._record.refusal_at_the_head()
        if refusal is not None:
            self._refuse(refusal)
        elif self._ended:
            self._take()
        else:
            self.admitted = True
            self._stream.may_go_on()

    def data(self, piece: bytes) -> None:
        """Collect."""
        if self._answered:
            return
        self._last_event = time.monotonic_ns()
        try:
            self._reader.feed(piece)
        except BadFraming as error:
            self._refuse(_malformed(str(error)))
        except MessageTooLarge as error:
            most = self._services.settings.body_bytes
            message = f"The message of {error} bytes is over SPANMETER_MAX_OTLP_BYTES ({most}). Send smaller batches."
            self._refuse(Refusal(413, "body_too_large", message))

    def ended(self) -> None:
        """Take what came."""
        self._ended = True
        if self._record is not None and not self._answered:
            self._take()

    def _take(self) -> None:
        assert self._record is not None  # noqa: S101 - whoever calls has seen to it
        encoding = self._head.encoding
        try:
            compressed, body = self._reader.whole()
        except BadFraming as error:
            self._refuse(_malformed(str(error)))
            return
        if compressed and encoding == "identity":
            self._refuse(_malformed("it says that it is compressed, and no grpc-encoding says how"))
            return
        self._answered = True
        self._record.take(body, encoding if compressed else "identity")

    def _refuse(self, refusal: Refusal) -> None:
        self._answered = True
        self._services.metrics.requests[self._head.service, refusal.status] += 1
        self._stream.fail(refusal)

    def overdue(self, now: int) -> None:
        """Give up on a body that has stopped coming."""
        if not self._ended and now - self._last_event > self._services.settings.idle_timeout * 1e9:
            self._refuse(STOPPED_COMING)

    def shut_down(self) -> None:
        """What is being written is waited for; what is not here yet is refused."""
        if not self._answered:
            self._refuse(SHUTTING_DOWN)


class HealthCheck:
    """A call of grpc.health.v1.Health/Check: SERVING means what /readyz says. Needs no key and reads no name."""

    admitted = False

    def __init__(self, *, services: "Services", stream: Stream) -> None:
        self._services = services
        self._stream = stream
        self._since = time.monotonic_ns()

    def data(self, piece: bytes) -> None:
        """All services are one."""

    def ended(self) -> None:
        """Answer."""
        self._stream.succeed(_NOT_SERVING if problems(self._services) else _SERVING)

    def overdue(self, now: int) -> None:
        """Give up on a request that does not end."""
        if now - self._since > self._services.settings.idle_timeout * 1e9:
            self._stream.fail(STOPPED_COMING)

    def shut_down(self) -> None:
        """Refuse."""
        self._stream.fail(SHUTTING_DOWN)


def _malformed(why: str) -> Refusal:
    return Refusal(400, "malformed_body", f"This is no gRPC message: {why}.")
