"""The gateway's own pages: /healthz (the process lives), /readyz (it can do its work), /metrics (Prometheus)."""

from typing import TYPE_CHECKING

from proxy.errors import reason_phrase
from proxy.heads import plain_answer
from proxy.routing import Door

if TYPE_CHECKING:
    from proxy.services import Services

__all__ = ["page", "problems"]

_TEXT = b"text/plain; charset=utf-8"
_PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"


def page(services: "Services", door: Door, *, method: bytes, keep_alive: bool) -> bytes:
    """Return the whole answer."""
    status, content_type = 200, _TEXT
    if method not in {b"GET", b"HEAD"}:
        status, body = 405, b"Only GET and HEAD are answered here.\n"
    elif door is Door.HEALTH:
        body = b"ok\n"
    elif door is Door.READY:
        found = problems(services)
        status, body = (503, "".join(f"{problem}\n" for problem in found).encode()) if found else (200, b"ready\n")
    else:
        writer = services.commit.writer
        content_type = _PROMETHEUS
        body = services.shared.together().text(
            spooled_bytes=writer.total, spool_full=not writer.has_room(1), keys_age=services.keys.age
        )
    return plain_answer(
        status=status,
        reason=reason_phrase(status),
        body=body,
        content_type=content_type,
        close=not keep_alive,
        bodyless=method == b"HEAD",
    )


def problems(services: "Services") -> list[str]:
    """Return what keeps the gateway from doing its work."""
    found = []
    if services.stopping:
        found.append("stopping")
    if not services.keys.ready:
        found.append(f"no keys: {services.keys.problem}")
    if not services.commit.writer.has_room(1):
        found.append(f"the spool refuses records: {services.commit.writer.refusal or 'spool_full'}")
    return found
