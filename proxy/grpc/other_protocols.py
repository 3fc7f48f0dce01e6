"""Telling HTTP/2 from what else arrives on a gRPC port, and what is said to the latter. Pure."""

from proxy.errors import Refusal
from proxy.heads import plain_answer

__all__ = ["PREFACE", "not_http2_answer", "not_http2_refusal"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def not_http2_refusal(otlp_http: str) -> Refusal:
    """Return what is wrong; `otlp_http` says where OTLP over HTTP is."""
    return Refusal(
        400,
        "bad_request",
        "This port speaks gRPC (OTLP over HTTP/2, in clear text, by prior knowledge), and this is not HTTP/2. "
        f"OTLP over HTTP is at {otlp_http}/v1/traces, /v1/metrics and /v1/logs; or set the exporter's protocol to grpc "
        "and its endpoint to an http:// address.",
        close=True,
    )


def not_http2_answer(otlp_http: str) -> bytes:
    """Return the answer in HTTP/1.1, which whoever sent it is likeliest to read."""
    refusal = not_http2_refusal(otlp_http)
    return plain_answer(
        status=refusal.status,
        reason=b"Bad Request",
        body=f"{refusal.message}\n".encode(),
        content_type=b"text/plain; charset=utf-8",
        headers=((b"spanmeter-error", refusal.code.encode()),),
        close=True,
    )
