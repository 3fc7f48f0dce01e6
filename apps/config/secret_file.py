"""secrets.json and bootstrap.json: made once, 0600, replaced atomically. Knows no Django, so that the supervisor may
use it too.
"""

import json
import os
import secrets
from pathlib import Path

from ingestion.settings import secrets_from

__all__ = ["private_json_write", "random_secret", "secrets_ensure"]


def random_secret() -> str:
    """Return 256 random bits as text that is safe in URLs."""
    return secrets.token_urlsafe(32)


def secrets_ensure(home: Path) -> dict[str, str]:
    """Return this installation's secrets, making those that are missing; what is there is never changed."""
    home.mkdir(parents=True, exist_ok=True)
    kept = secrets_from(home)
    wanted = {"django_secret_key", "store_password"}
    if wanted <= kept.keys():
        return kept
    made = {name: random_secret() for name in wanted} | kept
    path = home / "secrets.json"
    if kept:
        private_json_write(path, made)
        return made
    temporary = _written(path, made)
    try:
        os.link(temporary, path)  # unlike rename, refuses when another process was first
    except FileExistsError:
        return secrets_from(home)
    finally:
        temporary.unlink()
    return made


def private_json_write(path: Path, content: dict[str, str]) -> None:
    """Replace a file that only its owner may read; a reader sees the old one or the new one."""
    _written(path, content).replace(path)


def _written(path: Path, content: dict[str, str]) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    return temporary
