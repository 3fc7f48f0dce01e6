"""One agent a source: a lock of the kernel's, so that two agents on one host do not count a GPU twice.

The lock dies with its process, however that ends. Its file stays; what it says is who held it last.
"""

import fcntl
import os
import re
import tempfile
from pathlib import Path

__all__ = ["AlreadyWatched", "claim", "claims_folder"]

_HERE = re.compile(r"^(localhost|\[::1\]|127\.\d+\.\d+\.\d+)(?=:)")


class AlreadyWatched(RuntimeError):  # noqa: N818 - the name says what is wrong
    """Another agent on this host reads this source; the message names it."""


def claims_folder() -> Path:
    """Return a folder that all users of this host share."""
    folder = Path(tempfile.gettempdir()) / "spanmeter-gpu"
    if not folder.exists():
        folder.mkdir(exist_ok=True)
        folder.chmod(0o1777)
    return folder


def claim(source: str, place: str, *, folder: Path) -> int:
    """Hold the source until this process ends, or until the descriptor that is returned is closed."""
    name = re.sub(r"[^A-Za-z0-9.:-]", "_", f"{source}-{_HERE.sub('127.0.0.1', place)}")
    path = folder / f"{name}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except PermissionError as error:
        raise AlreadyWatched(
            f"{path} belongs to another user, whose agent reads {source} ({place}); stop that one, or remove the file"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise AlreadyWatched(
            f"process {holder} already reads {source} ({place}) on this host: "
            "stop that agent, or leave this source out of the command"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
