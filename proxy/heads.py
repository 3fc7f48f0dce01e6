"""Rewriting heads: what of a request goes to the upstream, what of an answer goes to the client, what is recorded.
Pure.

Names and values that pass are passed as they came, in their order and spelling. Hop-by-hop fields end here, and so do
`spanmeter-*` and `helicone-*` request headers, which are recorded but are nobody else's business.
"""

from typing import NamedTuple

from ingestion.envelope import header_field
from proxy.secrets import REDACTED, is_secret

__all__ = [
    "RequestHead",
    "answer_head",
    "answered",
    "interim_head",
    "plain_answer",
    "read_request_head",
    "upstream_head",
]

RawHeaders = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_NOT_TO_UPSTREAM = _HOP_BY_HOP | {b"host", b"expect", b"proxy-authorization", b"http2-settings"}
_NOT_TO_CLIENT = _HOP_BY_HOP - {b"trailer"}
_OURS = (b"spanmeter-", b"helicone-")


class _Rule(NamedTuple):
    lower: bytes
    to_upstream: bool
    to_client: bool
    secret: bool


# Clients send the same few dozen names in the same spelling: what is decided by name is decided once.
_RULES: dict[bytes, _Rule] = {}


def _learn(name: bytes) -> _Rule:
    lower = name.lower()
    rule = _Rule(
        lower,
        lower not in _NOT_TO_UPSTREAM and not lower.startswith(_OURS),
        lower not in _NOT_TO_CLIENT,
        is_secret(lower),
    )
    if len(_RULES) < 4096 and len(name) <= 64:
        _RULES[name] = rule
    return rule


class RequestHead(NamedTuple):
    """A request's headers, sorted once for their three readers."""

    by_name: dict[bytes, bytes]  # lower-case names; for routing and authentication; the last of a name wins
    lines: list[bytes]  # what goes to the upstream
    recorded: RawHeaders  # lower-case names, secrets replaced


def read_request_head(headers: RawHeaders) -> RequestHead:
    """Sort a request's headers."""
    by_name: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    recorded: RawHeaders = []
    known = _RULES.get
    for name, value in headers:
        lower, to_upstream, _, secret = known(name) or _learn(name)
        by_name[lower] = value
        if to_upstream:
            lines += (name, b": ", value, b"\r\n")
        recorded.append((lower, REDACTED if secret else value))
    nominated = by_name.get(b"connection")
    if nominated is not None and nominated.lower() not in {b"keep-alive", b"close"}:
        lines = _without_nominated(headers, nominated)
    return RequestHead(by_name, lines, recorded)


def _without_nominated(headers: RawHeaders, nominated: bytes) -> list[bytes]:
    """Drop the fields that the Connection header calls hop-by-hop (RFC 9110 §7.6.1)."""
    dropped = {option.strip().lower() for option in nominated.split(b",")}
    lines: list[bytes] = []
    for name, value in headers:
        rule = _RULES.get(name) or _learn(name)
        if rule.to_upstream and (rule.lower not in dropped or rule.lower == b"content-length"):
            lines += (name, b": ", value, b"\r\n")
    return lines


def upstream_head(*, method: bytes, target: bytes, host: bytes, lines: list[bytes]) -> bytes:
    """Return the head of the request to the upstream, but for its framing and the empty line."""
    return b"".join((method, b" ", target, b" HTTP/1.1\r\nhost: ", host, b"\r\n", *lines))


# What becomes of a header of an answer: its line to the client and its entry in the record. Most of a provider's
# headers have few values, so both are remembered; long values and secrets are not.
_ANSWERED: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
_MOST_ANSWERED = 4096
_LONGEST_REMEMBERED = 64
RESPONSE_HEADERS = 8  # the field's number in the envelope


def answered(name: bytes, value: bytes) -> tuple[bytes, bytes, bool]:
    """Return a header's line to the client, its entry in the record, and whether it is a secret."""
    rule = _RULES.get(name) or _learn(name)
    line = b"%b: %b\r\n" % (name, value) if rule.to_client else b""
    return line, header_field(RESPONSE_HEADERS, rule.lower, REDACTED if rule.secret else value), rule.secret


def _answered(pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    line, field, secret = answered(*pair)
    if len(pair[1]) <= _LONGEST_REMEMBERED and not secret:
        if len(_ANSWERED) >= _MOST_ANSWERED:
            _ANSWERED.clear()  # filled by values that come once, such as request ids; the others are soon back
        _ANSWERED[pair] = line, field
    return line, field


def answer_head(
    *, status: int, reason: bytes, headers: RawHeaders, request_id: bytes, chunked: bool, connection: bytes
) -> tuple[bytes, list[bytes]]:
    """Return the head of the answer to the client, and the headers as the record's fields.

    `connection` is a header line or b''.
    """
    lines: list[bytes] = [b"HTTP/1.1 %d %b\r\n" % (status, reason)]
    recorded: list[bytes] = []
    known = _ANSWERED.get
    for pair in headers:
        line, field = known(pair) or _answered(pair)
        lines.append(line)
        recorded.append(field)
    if chunked:
        lines.append(b"transfer-encoding: chunked\r\n")
    lines += (connection, b"spanmeter-request-id: ", request_id, b"\r\n\r\n")
    return b"".join(lines), recorded


def interim_head(*, status: int, reason: bytes, headers: RawHeaders) -> bytes:
    """Return a 1xx answer's head."""
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, reason)]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    return b"".join((*lines, b"\r\n"))


def plain_answer(
    *,
    status: int,
    reason: bytes,
    body: bytes,
    content_type: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    close: bool = False,
    bodyless: bool = False,
) -> bytes:
    """Return an answer of the gateway's own, whole. `bodyless`: it answers a HEAD."""
    lines = [
        b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n" % (status, reason, content_type, len(body))
    ]
    lines += [b"%b: %b\r\n" % pair for pair in headers]
    lines.append(b"connection: close\r\n\r\n" if close else b"\r\n")
    if not bodyless:
        lines.append(body)
    return b"".join(lines)
