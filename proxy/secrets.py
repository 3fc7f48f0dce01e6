"""What must never reach the spool, and what takes its place. Pure."""

import re
from functools import lru_cache

from ingestion.providers.routes import ROUTES

__all__ = ["REDACTED", "is_secret", "redact_query"]

REDACTED = b"[redacted]"

_NAMES = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"cookie",
        b"set-cookie",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"helicone-auth",
        b"spanmeter-auth",
        *(name for route in ROUTES for name in route.secret_headers),
    }
)
_ENDINGS = (b"-key", b"-token", b"-secret", b"-auth", b"-signature", b"-password", b"authorization", b"apikey")
_HARMLESS = frozenset({b"idempotency-key", b"helicone-prompt-cache-key", b"sec-websocket-key"})

_QUERY = re.compile(
    rb"([?&;](?:[\w.~-]*(?:key|token|secret|password|signature|credential)|auth|sig)=)[^&;#]*", re.IGNORECASE
)


@lru_cache(maxsize=2048)
def is_secret(name: bytes) -> bool:
    """Say whether a header's value is kept from the record; `name` in lower case."""
    return name in _NAMES or (name.endswith(_ENDINGS) and name not in _HARMLESS)


def redact_query(target: bytes) -> bytes:
    """Replace the values of key-like parameters of a URL's query."""
    if b"?" not in target:
        return target
    return _QUERY.sub(rb"\1" + REDACTED, target)
