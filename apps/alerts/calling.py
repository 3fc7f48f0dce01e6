"""Calling out over HTTP to an address that somebody typed in: never to a private one, never for long, never for much.

The name is resolved once, every address is checked, and the connection goes to the address that was checked: a name
that answers differently the second time gains nothing. Redirects are not followed. All waiting together is bounded.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

__all__ = ["Answer", "CallFailed", "Caller", "address_problem"]

_MOST_ANSWER = 16_384
_KEPT = 2_000
Resolve = Callable[[str, int], list[str]]


class CallFailed(Exception):  # noqa: N818
    """No answer came. `permanent`: the address itself is not acceptable."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the body is cut."""

    status_code: int
    headers: Mapping[str, str]
    text: str


def address_problem(url: str) -> str:
    """Why a URL cannot be called at all; nothing when it can."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "it is no http:// or https:// address"
    if parts.username or parts.password:
        return "it holds a user name or password"
    return "its port is 0" if port == 0 else ""


class Caller:
    """Posts, with the rules above. `allowed` names hosts that may be private."""

    def __init__(
        self,
        *,
        allowed: Iterable[str] = (),
        seconds: float = 15.0,
        resolve: Resolve | None = None,
        agent: str = "Spanmeter",
    ) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)
        self._seconds = seconds
        self._resolve = resolve or _resolved
        self._agent = agent

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return whatever the receiver answers, or raise CallFailed."""
        if problem := address_problem(url):
            raise CallFailed(f"{url[:200]} cannot be called: {problem}", permanent=True)
        deadline = time.monotonic() + self._seconds
        transport = _Guarded(_Network(self._allowed, self._resolve, deadline))
        try:
            with (
                httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client,
                client.stream(
                    "POST", url, content=body, headers={"user-agent": self._agent, "accept": "*/*", **headers}
                ) as answer,
            ):
                return Answer(answer.status_code, dict(answer.headers), _beginning(answer))
        except CallFailed:
            raise
        except (httpx.HTTPError, httpx.InvalidURL, httpcore.TimeoutException, httpcore.NetworkError) as error:
            slow = isinstance(error, httpx.TimeoutException | httpcore.TimeoutException) or time.monotonic() >= deadline
            told = f"no answer within {self._seconds:g} s" if slow else f"{type(error).__name__}: {error}"
            raise CallFailed(f"{urlsplit(url).hostname}: {told}"[:400]) from error


class _Network(httpcore.NetworkBackend):
    """Resolves, checks, connects to what was checked; every wait ends at the deadline."""

    def __init__(self, allowed: frozenset[str], resolve: Resolve, deadline: float) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Connect to a public address of the host, or to any where the host is allowed."""
        name = host.lower().strip("[]")
        try:
            found = self._resolve(name, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        if name not in self._allowed and f"{name}:{port}" not in self._allowed:
            for address in found:
                if not _public(address):
                    raise CallFailed(
                        f"{host} is the private address {address}. "
                        f"To allow it, add it to SPANMETER_ALLOWED_WEBHOOK_HOSTS: {name}",
                        permanent=True,
                    )
        if not found:
            raise httpcore.ConnectError(f"{host} has no address")
        stream = self._inner.connect_tcp(found[0], port, timeout=_left(self._deadline), socket_options=socket_options)
        return _Bounded(stream, self._deadline)

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        """Never."""
        raise CallFailed("a socket file is no receiver", permanent=True)

    def sleep(self, seconds: float) -> None:
        """Never: there are no retries here."""
        raise AssertionError("httpcore was told not to retry")


class _Bounded(httpcore.NetworkStream):
    """A stream whose waits all end at one moment, however slowly bytes drip in."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some."""
        return self._inner.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all."""
        self._inner.write(buffer, _left(self._deadline))

    def close(self) -> None:
        """Close."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The certificate is checked for the name, not for the address."""
        return _Bounded(self._inner.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks."""
        return self._inner.get_extra_info(info)


class _Guarded(httpx.BaseTransport):
    """httpx over a connection of our own."""

    def __init__(self, network: _Network) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=network, max_connections=1, retries=0
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        inner = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.read(),
        )
        try:
            answer = self._pool.handle_request(inner)
        except httpcore.TimeoutException as error:
            raise httpx.ReadTimeout(str(error)) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise httpx.NetworkError(str(error)) from error
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Any:
        try:
            yield from self._answer.iter_stream()
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise httpx.NetworkError(str(error)) from error

    def close(self) -> None:
        """Close."""
        self._answer.close()


def _beginning(answer: httpx.Response) -> str:
    """The first bytes as they came: a compressed body is not unfolded, so it cannot become large."""
    taken = b""
    for piece in answer.iter_raw():
        taken += piece
        if len(taken) >= _MOST_ANSWER:
            break
    return taken[:_KEPT].decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for this call is over")
    return left


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def _public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inside = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    if inside is not None and not inside.is_global:
        return False
    return parsed.is_global and not parsed.is_multicast
