"""What a request's head amounts to, decided once for all requests of a connection that have it. Values only."""

from dataclasses import dataclass

from proxy.auth import Credential
from proxy.heads import RequestHead
from proxy.routing import Origin, Placed

__all__ = ["Prepared"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The requests of a connection resemble one another: if all but the length is as it was in the last one, nothing
    of this is done again. Whether the key is still good is asked every time.
    """

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    head: RequestHead
    placed: Placed
    credential: Credential
    origin: Origin
    upstream_head: bytes
    recorded: bytes  # the fields of the envelope
    chunked: bool
    expects: bool  # the client waits for 100 Continue
    retry_allowed: bool
