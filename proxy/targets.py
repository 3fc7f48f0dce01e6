"""Upstreams named by the client (`Spanmeter-Target-Url`, `Helicone-Target-Url`): which are allowed, and which
addresses.

A target must be a known provider's host, one of SPANMETER_UPSTREAM_* (with its port), or listed in
SPANMETER_ALLOWED_TARGETS (`llm.example.com`, `llm.example.com:8443`, `*.example.com`, `*`). What the operator wrote out
in full may be private and plain http; everything else must be https and resolve to public addresses only. Pure: the
pool resolves, asks here about what it found, and connects to the address that was asked about.
"""

import ipaddress
from collections.abc import Iterable

from ingestion.providers.routes import ROUTES
from proxy.errors import Refusal
from proxy.routing import Origin, origin_of

__all__ = ["AllowedTargets", "forbidden_address"]


class AllowedTargets:
    """The allow-list as configured."""

    def __init__(self, *, allowed_hosts: Iterable[str], upstreams: Iterable[str]) -> None:
        listed = set(allowed_hosts)
        self._listed = {host for host in listed if "*" not in host}
        self._upstreams = {(origin.host, origin.port) for origin in map(origin_of, upstreams)}
        self._known = {origin_of(route.origin).host for route in ROUTES}
        self._endings = tuple(host[1:] for host in listed if host.startswith("*.") or host == "*")

    def origin(self, url: bytes) -> Origin | Refusal:
        """Return the origin of a target URL, whose path is not used: the request's own path is kept."""
        text = url.decode("ascii", "replace").strip()
        try:
            origin = origin_of(text)
        except (ValueError, UnicodeError) as error:
            return Refusal(400, "bad_target", f"Spanmeter-Target-Url: {error}, such as https://llm.example.com")
        host = origin.host
        in_full = {host, f"{host}:{origin.port}", f"[{host}]:{origin.port}"}
        if in_full & self._listed or (host, origin.port) in self._upstreams:
            return Origin(origin.scheme, host, origin.port)
        if host not in self._known and not (self._endings and host.endswith(self._endings)):
            return Refusal(
                403,
                "target_not_allowed",
                f"The target host {host!r} is not allowed: add it to SPANMETER_ALLOWED_TARGETS.",
            )
        if origin.scheme != "https":
            return Refusal(
                403,
                "target_not_allowed",
                f"The target {text!r} is not https: name its host in full in SPANMETER_ALLOWED_TARGETS to allow that.",
            )
        return Origin(origin.scheme, host, origin.port, checked=True)


def forbidden_address(addresses: Iterable[str]) -> str:
    """Return the first address that a client must not be able to reach through us, or ''."""
    for address in addresses:
        ip = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
        if not ip.is_global or ip.is_multicast or (mapped is not None and not mapped.is_global):
            return address
    return ""
