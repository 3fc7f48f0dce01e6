"""Asks once whether a process is ready. Loopback only, bounded, never raises for a process that is not there yet."""

import asyncio
import fcntl
import os

from apps.config.up.spec import Alive, FileLocked, HttpAnswers, PortAccepts, Probe

__all__ = ["is_ready"]

ASK_SECONDS = 2.0


async def is_ready(probe: Probe) -> bool:
    """Whether the probe is satisfied now."""
    match probe:
        case Alive():
            return True
        case FileLocked(path):
            return _locked(path)
        case PortAccepts(host, port):
            return await _ask(host, port, b"") is not None
        case HttpAnswers(host, port, path):
            request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
            answer = await _ask(host, port, request.encode("ascii"))
            parts = (answer or b"").split(None, 2)
            return len(parts) > 1 and parts[0].startswith(b"HTTP/") and parts[1].isdigit() and int(parts[1]) < 500


async def _ask(host: str, port: int, request: bytes) -> bytes | None:
    """Return the first bytes of the answer (b"" when nothing was asked), None when nobody listens."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                if not request:
                    return b""
                writer.write(request)
                return await reader.read(64)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None


def _locked(path: os.PathLike[str]) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
