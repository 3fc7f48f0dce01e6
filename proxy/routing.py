"""Which door a request is at, and for a provider's: which upstream and what path there. Pure."""

from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

from ingestion.providers.routes import BY_NAME, default_provider
from proxy.errors import Refusal

__all__ = ["Door", "Origin", "Placed", "Routes", "origin_of"]


class Door(Enum):
    """What a path leads to."""

    PROVIDER = "provider"
    TARGET = "target"  # the upstream is named by a header
    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"
    HEALTH = "health"
    READY = "ready"
    NUMBERS = "numbers"  # the gateway's own Prometheus page


@dataclass(frozen=True, slots=True)
class Origin:
    """An upstream: where to connect, and what to write before the path. Hashable, for it names a pool of
    connections.
    """

    scheme: str
    host: str
    port: int
    base: bytes = b""  # path in front of every path, without a slash at its end
    checked: bool = False  # resolved addresses must be public: the host came from a client
    pool: str = field(init=False)  # names the connections that may serve it: a text, whose hash is computed once

    def __post_init__(self) -> None:
        """Name the pool."""
        object.__setattr__(self, "pool", f"{self.scheme}://{self.host}:{self.port}{'!' if self.checked else ''}")

    @property
    def authority(self) -> str:
        """Return host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        """Return the origin as the beginning of a URL."""
        return f"{self.scheme}://{self.authority}{self.base.decode('ascii', 'replace')}"


def origin_of(url: str, *, checked: bool = False) -> Origin:
    """Read an origin; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ValueError(f"{url!r}: expected http:// or https:// and a host")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    return Origin(parts.scheme, host, port, parts.path.rstrip("/").encode(), checked)


@dataclass(frozen=True, slots=True)
class Placed:
    """A request's place: its door, the key found in the path, and for providers the upstream and the target there."""

    door: Door
    path_key: str = ""
    provider: str = ""
    origin: Origin | None = None
    target: bytes = b""


_LOCAL = {
    b"/healthz": Door.HEALTH,
    b"/readyz": Door.READY,
    b"/metrics": Door.NUMBERS,
    b"/v1/traces": Door.TRACES,
    b"/v1/logs": Door.LOGS,
    b"/v1/metrics": Door.METRICS,
    b"/api/public/otel/v1/traces": Door.TRACES,
    b"/api/public/otel/v1/logs": Door.LOGS,
    b"/api/public/otel/v1/metrics": Door.METRICS,
}


class Routes:
    """The providers' origins, with the operator's replacements and additions."""

    def __init__(self, upstreams: dict[str, str]) -> None:
        urls = {route.name: route.origin for route in BY_NAME.values()} | {
            name.replace("-", "_"): url for name, url in upstreams.items()
        }
        self.origins = {name.encode(): origin_of(url) for name, url in urls.items()}

    def place(self, target: bytes, *, has_target_url: bool, anthropic_version: bool) -> Placed | Refusal:
        """Find the door of a request target."""
        if not target.startswith(b"/"):
            return Refusal(
                400,
                "bad_request",
                f"The request target {_shown(target)} is not a path: this is a gateway, not a forward proxy. "
                "Use it as the base URL.",
                close=True,
            )
        path_key = ""
        if target.startswith(b"/k/"):
            key, slash, rest = target[3:].partition(b"/")
            if not slash or not key:
                return Refusal(404, "unknown_path", "/k/ must be followed by a key and a path: /k/sm-sk-…/openai/v1/…")
            path_key, target = key.decode("ascii", "replace"), b"/" + rest
        path = target.partition(b"?")[0]
        door = _LOCAL.get(path)
        if door is not None:
            return Placed(door, path_key)
        if has_target_url:
            return Placed(Door.TARGET, path_key, "custom", None, target)
        name, slash, rest = path[1:].partition(b"/")
        origin = self.origins.get(name) or self.origins.get(name.replace(b"-", b"_").lower())
        if origin is not None:
            remaining = target[1 + len(name) :]
            provider = name.decode().replace("-", "_").lower()
            return Placed(Door.PROVIDER, path_key, provider, origin, remaining if slash else b"/" + remaining)
        provider_name = default_provider(path.decode("ascii", "replace"), anthropic_version=anthropic_version)
        if provider_name is None:
            known = ", ".join(sorted(name.decode() for name in self.origins))
            return Refusal(
                404,
                "unknown_path",
                f"{_shown(path)} is no path of this gateway. Paths begin with /v1/ or with a provider's name "
                f"({known}); set SPANMETER_UPSTREAM_<NAME> to add one, or send the header Spanmeter-Target-Url.",
            )
        return Placed(Door.PROVIDER, path_key, provider_name, self.origins[provider_name.encode()], target)


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return repr(text if len(text) <= 80 else text[:80] + "…")
