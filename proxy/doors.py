"""From a request's head to whoever answers it: routing, authentication, and the reasons to say no."""

import time
from typing import TYPE_CHECKING

from ingestion.envelope import header_field, request_fields
from ingestion.ids import uuid7_bytes, uuid_text
from proxy.auth import credential_of
from proxy.capture import Capture
from proxy.errors import Refusal, error_body, reason_phrase
from proxy.exchange import Exchange
from proxy.heads import RequestHead, plain_answer, read_request_head, upstream_head
from proxy.otlp import OtlpIntake, refusal_in_kind
from proxy.pages import page
from proxy.prepared import Prepared
from proxy.refused_key import refused_key
from proxy.routing import Door
from proxy.secrets import redact_query
from proxy.small_handlers import Answered, WaitingForKeys

if TYPE_CHECKING:
    from proxy.keys_source import Key
    from proxy.server import ClientConnection, Handler, Incoming
    from proxy.services import Services

__all__ = ["admit", "dispatch", "refusal_answer"]

_OTLP = {Door.TRACES: "traces", Door.LOGS: "logs", Door.METRICS: "metrics"}
_PAGES = frozenset({Door.HEALTH, Door.READY, Door.NUMBERS})
_LIKELY_EXCHANGE = 64 * 1024
# RFC 9110 §9.2.2: these may be sent again after a connection broke before anything was answered.
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"})


def dispatch(services: "Services", client: "ClientConnection", incoming: "Incoming") -> "Handler":
    """Return who answers this request from here on."""
    prepared = client.prepared
    if (
        prepared is None
        or prepared.target != incoming.target
        or prepared.headers != incoming.headers
        or prepared.method != incoming.method
    ):
        answered = _prepare(services, client, incoming)
        if not isinstance(answered, Prepared):
            return answered
        client.prepared = prepared = answered
    return admit(services, client, incoming, prepared)


def admit(
    services: "Services", client: "ClientConnection", incoming: "Incoming", prepared: Prepared
) -> "Exchange | Handler":
    """Return the exchange with the provider, or who says no: what is asked of every request, however alike."""
    key = services.keys.find(prepared.credential)
    if key is None:
        return _without_key(services, client, incoming, route=prepared.placed.provider)
    if services.settings.spool_full == "refuse" and not services.commit.writer.has_room(_LIKELY_EXCHANGE):
        refusal = Refusal(
            503,
            "spool_full",
            "This request could not be recorded, and SPANMETER_SPOOL_FULL=refuse: the spool has reached "
            "SPANMETER_SPOOL_BYTES or the disk is full.",
            retry_after=2,
        )
        return _refuse(services, client, incoming, refusal, route=prepared.placed.provider)
    if prepared.expects:
        client.write([b"HTTP/1.1 100 Continue\r\n\r\n"])
    return _exchange(services, client, incoming, prepared, key)


def _prepare(services: "Services", client: "ClientConnection", incoming: "Incoming") -> "Prepared | Handler":
    """Decide about a head; anything but an exchange with a provider is answered by the handler that is returned."""
    head = read_request_head(incoming.headers)
    by_name = head.by_name
    target_url = by_name.get(b"spanmeter-target-url") or by_name.get(b"helicone-target-url")
    placed = services.routes.place(
        incoming.target,
        has_target_url=target_url is not None,
        anthropic_version=b"anthropic-version" in by_name,
    )
    if isinstance(placed, Refusal):
        return _refuse(services, client, incoming, placed, route="none")
    if by_name.get(b"upgrade", b"").lower() == b"websocket":
        refusal = Refusal(
            501,
            "upgrade_not_supported",
            "The gateway does not relay WebSockets: connect to the provider directly for realtime sessions.",
            close=True,
        )
        return _refuse(services, client, incoming, refusal, route="none")
    coding = by_name.get(b"transfer-encoding", b"chunked")
    if coding.lower() != b"chunked":
        shown = coding.decode("utf-8", "replace")
        refusal = Refusal(
            400, "bad_request", f"Transfer-Encoding {shown!r}: only 'chunked' can be passed on.", close=True
        )
        return _refuse(services, client, incoming, refusal, route="none")
    if placed.door in _PAGES:
        answer = page(services, placed.door, method=incoming.method, keep_alive=incoming.keep_alive)
        return Answered(client, answer)
    signal = _OTLP.get(placed.door, "")
    credential = credential_of(by_name, path_key=placed.path_key, own_door=bool(signal))
    if isinstance(credential, Refusal):
        services.metrics.refused_keys += 1
        return _refuse(
            services, client, incoming, credential, route=signal or placed.provider, signal=signal, head=head
        )
    if signal:
        key = services.keys.find(credential)
        if key is None:
            return _without_key(services, client, incoming, route=signal, signal=signal, head=head)
        if by_name.get(b"expect", b"").lower() == b"100-continue":
            client.write([b"HTTP/1.1 100 Continue\r\n\r\n"])
        return OtlpIntake(services=services, client=client, incoming=incoming, head=head, key=key, signal=signal)
    origin = placed.origin or services.targets.origin(target_url or b"")
    if isinstance(origin, Refusal):
        return _refuse(services, client, incoming, origin, route=placed.provider)
    return Prepared(
        method=incoming.method,
        target=incoming.target,
        headers=incoming.headers,
        head=head,
        placed=placed,
        credential=credential,
        origin=origin,
        upstream_head=upstream_head(
            method=incoming.method,
            target=origin.base + placed.target,
            host=origin.authority.encode(),
            lines=head.lines,
        ),
        recorded=request_fields(
            provider=placed.provider,
            method=incoming.method.decode("ascii", "replace"),
            url=origin.text + redact_query(placed.target).decode("utf-8", "replace"),
            headers=head.recorded,
        ),
        chunked=b"transfer-encoding" in by_name,
        expects=by_name.get(b"expect", b"").lower() == b"100-continue",
        retry_allowed=incoming.method in _IDEMPOTENT or b"idempotency-key" in by_name,
    )


# A Content-Length's entry in the record, up to its digits: that depends on how many they are.
_LENGTH_FIELDS = [header_field(4, b"content-length", b"0" * digits)[: -digits or None] for digits in range(20)]


def _exchange(
    services: "Services", client: "ClientConnection", incoming: "Incoming", prepared: Prepared, key: "Key"
) -> Exchange:
    wall_ns, now = time.time_ns(), time.monotonic_ns()
    identity = uuid7_bytes(now_ns=wall_ns)
    recorded, head, length = prepared.recorded, prepared.upstream_head, incoming.length
    if length is not None:
        head = b"%bcontent-length: %b\r\n\r\n" % (head, length)
        digits = len(length)
        recorded += _LENGTH_FIELDS[digits] + length if digits < 20 else header_field(4, b"content-length", length)
    else:
        head += b"transfer-encoding: chunked\r\n\r\n" if prepared.chunked else b"\r\n"
    capture = Capture(
        id=identity,
        project_id=key.project_id,
        key_id=key.id,
        request=recorded,
        bound=services.settings.capture_bytes,
        client_address=client.address,
        wall_ns=wall_ns,
        now=now,
    )
    return Exchange(
        services=services,
        client=client,
        incoming=incoming,
        prepared=prepared,
        head=head,
        capture=capture,
        request_id=uuid_text(identity).encode(),
        now=now,
    )


def _without_key(
    services: "Services",
    client: "ClientConnection",
    incoming: "Incoming",
    *,
    route: str,
    signal: str = "",
    head: RequestHead | None = None,
) -> "Handler":
    """Have the keys read again first; refuse when that did not help."""
    if incoming not in client.asked_again:
        return WaitingForKeys(services, client, incoming)
    services.metrics.refused_keys += 1
    refusal = refused_key(services.keys)
    return _refuse(services, client, incoming, refusal, route=route, signal=signal, head=head)


def _refuse(
    services: "Services",
    client: "ClientConnection",
    incoming: "Incoming",
    refusal: Refusal,
    *,
    route: str,
    signal: str = "",
    head: RequestHead | None = None,
) -> "Handler":
    services.metrics.requests[route or "none", refusal.status] += 1
    if signal and head is not None:
        close = refusal.close or not incoming.keep_alive
        return Answered(client, refusal_in_kind(refusal, head.by_name.get(b"content-type", b""), close=close))
    return Answered(client, client.refusal_bytes(incoming, refusal), close=refusal.close)


def refusal_answer(refusal: Refusal, *, request_id: bytes = b"", close: bool = True, bodyless: bool = False) -> bytes:
    """Return the bytes of an answer that refuses."""
    headers: list[tuple[bytes, bytes]] = [(b"spanmeter-error", refusal.code.encode())]
    if refusal.retry_after:
        headers.append((b"retry-after", b"%d" % refusal.retry_after))
    if request_id:
        headers.append((b"spanmeter-request-id", request_id))
    return plain_answer(
        status=refusal.status,
        reason=reason_phrase(refusal.status),
        body=error_body(refusal),
        content_type=b"application/json",
        headers=tuple(headers),
        close=close,
        bodyless=bodyless,
    )
