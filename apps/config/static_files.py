"""Collects and compresses the page's files into $SPANMETER_HOME/static, but only when one of them has changed."""

import hashlib
from pathlib import Path

from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

__all__ = ["static_collect", "static_fingerprint"]


def static_collect(root: Path, *, storage: str) -> bool:
    """Bring `root` up to date; say whether anything had to be done."""
    stamp = root / ".fingerprint"
    wanted = static_fingerprint(storage)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    root.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted, encoding="utf-8")
    return True


def static_fingerprint(storage: str) -> str:
    """Name, size and time of change of every file, and the way they are stored."""
    digest = hashlib.sha256(storage.encode())
    for finder in get_finders():
        for name, place in finder.list([]):
            status = Path(place.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
