"""The port of OTLP over gRPC beside the gateway's own, and what is said when a port cannot be had.

Imports neither the gateway nor its libraries: the parent of several workers needs it too.
"""

import errno
import logging
import socket

from ingestion.settings import GatewaySettings
from proxy.workers import listening_sockets

__all__ = ["CannotListen", "grpc_sockets", "why_not"]

log = logging.getLogger("proxy")
_GATEWAY, _GRPC = "SPANMETER_GATEWAY_PORT", "SPANMETER_OTLP_GRPC_PORT"


class CannotListen(Exception):  # noqa: N818 - said to a person, who can act on it
    """The address cannot be had; the message names it and the setting."""


def grpc_sockets(settings: GatewaySettings, *, count: int) -> list[socket.socket]:
    """Return a listening socket for each worker; none when the port is 0, or taken and only the default.

    Raises CannotListen when it was asked for and cannot be had.
    """
    port = settings.otlp_grpc_port
    if not port:
        return []
    try:
        return listening_sockets(settings.host, port, count=count)
    except OSError as error:
        why = why_not(error, settings.host, port, _GRPC)
        if settings.otlp_grpc_asked:
            raise CannotListen(f"OTLP over gRPC: {why}") from error
        log.warning("OTLP over gRPC is not served; OTLP over HTTP and all else is: %s", why)
        return []


def why_not(error: OSError, host: str, port: int, setting: str = _GATEWAY) -> str:
    """Say why the address cannot be had, and what to do."""
    where = f"{host}:{port}"
    off = ", or to 0 to do without" if setting == _GRPC else ""
    if error.errno == errno.EADDRINUSE:
        other = "an OpenTelemetry Collector or another gateway" if setting == _GRPC else "another gateway"
        return (
            f"port {port} is taken ({where}): another program, perhaps {other}, listens there. "
            f"Stop it, or set {setting} to a free port{off}."
        )
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user: set {setting} to a port above 1023{off}."
    return f"cannot listen on {where}: {error.strerror}. Check SPANMETER_GATEWAY_HOST and {setting}."
