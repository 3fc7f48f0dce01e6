"""Finds a taken port before anything is started, and says which setting names it."""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Listener", "taken_ports"]


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that a process of ours will listen on, and the setting that chooses its port."""

    process: str
    host: str
    port: int
    setting: str


def taken_ports(listeners: Iterable[Listener]) -> list[str]:
    """Return one message for each address that cannot be had; nothing stays bound."""
    problems: list[str] = []
    claimed: dict[int, Listener] = {}
    for listener in listeners:
        if not listener.port:
            continue
        other = claimed.setdefault(listener.port, listener)
        if other is not listener:
            problems.append(
                f"port {listener.port} is meant for both {other.process} ({other.setting}) and "
                f"{listener.process} ({listener.setting}): give one of them another"
            )
            continue
        problem = _problem(listener)
        if problem:
            problems.append(problem)
    return problems


def _problem(listener: Listener) -> str:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        return f"{listener.process}: {listener.host!r} is no address of this machine ({error.strerror})"
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return (
                    f"port {listener.port} for {listener.process} is in use by another program: "
                    f"stop that, or choose another with {listener.setting}"
                )
            if error.errno == errno.EACCES:
                return (
                    f"port {listener.port} for {listener.process} may not be opened by this user: "
                    f"choose one above 1023 with {listener.setting}"
                )
            return (
                f"{listener.process} cannot listen on {listener.host}:{listener.port} ({error.strerror}): "
                f"see {listener.setting}"
            )
    return ""
