"""The gateway's own errors, in a shape that OpenAI's and Anthropic's clients both read. Upstream errors never come
here.

Each says whose fault it is by its status, what is wrong with the offending value, and the way out. The header
`spanmeter-error` carries the code, so that nobody takes ours for the provider's. docs/gateway.md lists the codes.
"""

import json
from dataclasses import dataclass

__all__ = ["CODES", "Refusal", "error_body", "reason_phrase"]

CODES = {
    "bad_request": "The request is not HTTP that the gateway can read.",
    "missing_key": "No Spanmeter key was sent.",
    "invalid_key": "The Spanmeter key is unknown, revoked or expired.",
    "keys_unavailable": "No key was ever loaded: the application database cannot be read and there is no snapshot.",
    "unknown_path": "The path names no provider and no door of the gateway.",
    "method_not_allowed": "The path exists, with another method.",
    "target_not_allowed": "The target URL is not on the allow-list, or resolves to an address that is refused.",
    "bad_target": "The target URL cannot be read.",
    "headers_too_large": "The request's head is over SPANMETER_MAX_HEADER_BYTES.",
    "request_timeout": "The request did not arrive in time.",
    "upgrade_not_supported": "The gateway does not relay WebSockets.",
    "upstream_unreachable": "No connection to the provider.",
    "upstream_broke": "The provider closed the connection or answered with something that is not HTTP.",
    "upstream_timeout": "The provider did not answer in time.",
    "shutting_down": "The gateway is being stopped.",
    "spool_full": "The request cannot be recorded now: the spool has reached its bound or the disk is full.",
    "body_too_large": "The body is over its limit.",
    "unsupported_media_type": "The content type or encoding is not one that this door reads.",
    "malformed_body": "The body is not what its content type says.",
}

_PHRASES = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large"}


def reason_phrase(status: int) -> bytes:
    """Return the words of a status line."""
    return _PHRASES.get(status, b"Unknown")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that the gateway answers itself, and how."""

    status: int
    code: str
    message: str
    retry_after: int = 0
    close: bool = False  # the connection cannot be used further


def error_body(refusal: Refusal) -> bytes:
    """Return the JSON of a refusal: OpenAI's error object, which is Anthropic's too once `type` stands beside it."""
    kind = _TYPES.get(refusal.status, "invalid_request_error" if refusal.status < 500 else "api_error")
    error = {"message": refusal.message, "type": kind, "param": None, "code": refusal.code}
    return json.dumps({"type": "error", "error": error}, ensure_ascii=False).encode("utf-8", "replace")
