"""One request to the gateway and what its answer means. The only module that opens a socket.

A connection is kept. One that the other side had closed meanwhile is opened again, once, for the same bytes: the server
knows a body that it has seen.
"""

import email.utils
import http.client
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spanmeter._encode import Body

__all__ = ["Answer", "Sender", "Verdict", "read_answer", "retry_after"]

_LARGEST_ANSWER = 64 * 1024
_LONGEST_WAIT = 3600.0
# Those the protocol calls retryable, and those that say the same in other words.
_LATER = {408, 425, 429, 500, 502, 503, 504}


class Verdict(StrEnum):
    """What became of a body."""

    DELIVERED = "delivered"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, with what the server said about it."""

    verdict: Verdict
    status: int = 0  # 0: no answer came
    wait: float | None = None  # seconds that the server asked for
    rejected: int = 0  # records of a delivered body that the server did not take
    detail: str = ""


class Sender:
    """Sends bodies to one gateway, one at a time."""

    def __init__(
        self, *, base_url: str, api_key: str, timeout: float, agent: str, now: Callable[[], float] = time.time
    ) -> None:
        parts = urlsplit(base_url)
        self._https = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._path = parts.path.rstrip("/")
        self._headers = {
            "Content-Type": "application/x-protobuf",
            "Authorization": f"Bearer {api_key}",
            "User-Agent": agent,
        }
        self._timeout = timeout
        self._now = now
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: Body, *, timeout: float | None = None) -> Answer:
        """Send it and say what became of it."""
        reused = self._connection is not None
        try:
            return self._exchange(body, timeout)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not reused or isinstance(error, TimeoutError):
                return Answer(Verdict.LATER, detail=f"{type(error).__name__}: {error}")
        try:
            return self._exchange(body, timeout)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(Verdict.LATER, detail=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Drop the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exchange(self, body: Body, timeout: float | None) -> Answer:
        if self._connection is None:
            self._connection = self._open()
        connection = self._connection
        seconds = self._timeout if timeout is None else max(min(timeout, self._timeout), 0.05)
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        headers = {**self._headers, "Content-Encoding": "gzip"} if body.gzipped else self._headers
        connection.request("POST", f"{self._path}/v1/{body.signal}", body=body.content, headers=headers)
        response = connection.getresponse()
        content = response.read(_LARGEST_ANSWER)
        if response.read(1) or response.will_close:
            self.close()
        wait = retry_after(response.headers.get("Retry-After"), now=self._now())
        return read_answer(response.status, content, signal=body.signal, wait=wait)

    def _open(self) -> http.client.HTTPConnection:
        if self._https:
            return http.client.HTTPSConnection(self._host, self._port, context=ssl.create_default_context())
        return http.client.HTTPConnection(self._host, self._port)


def read_answer(status: int, content: bytes, *, signal: str, wait: float | None = None) -> Answer:
    """Say what an answer means. Pure."""
    if 200 <= status < 300:
        rejected, message = _partial(content, signal)
        return Answer(Verdict.DELIVERED, status, rejected=rejected, detail=message)
    detail = content[:300].decode("utf-8", "replace")
    if status in _LATER or status >= 505:
        return Answer(Verdict.LATER, status, wait, detail=detail)
    return Answer(Verdict.REFUSED, status, detail=detail)


def retry_after(value: str | None, *, now: float) -> float | None:
    """Return the seconds of a Retry-After header, which may be a number or a date; None for anything else."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (TypeError, ValueError, OverflowError):
            return None
    if seconds != seconds:
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _partial(content: bytes, signal: str) -> tuple[int, str]:
    """Read partial success. An answer that is no OTLP answer is still a 200."""
    try:
        if signal == "traces":
            spans = ExportTraceServiceResponse.FromString(content).partial_success
            found = spans.rejected_spans, spans.error_message
        else:
            logs = ExportLogsServiceResponse.FromString(content).partial_success
            found = logs.rejected_log_records, logs.error_message
    except DecodeError:
        return 0, ""
    return found
