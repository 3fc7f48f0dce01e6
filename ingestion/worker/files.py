"""Small files that are either the old version or the new one, also after a power cut."""

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["read_json", "remove", "write_json", "write_whole"]


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file: write beside it, sync, rename, sync the directory."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(path)
    if durable:
        _sync_directory(path.parent)


def remove(path: Path) -> None:
    """Remove a file that may be gone already, for good."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    _sync_directory(path.parent)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Replace a file by a value's JSON text."""
    write_whole(path, json.dumps(value, separators=(",", ":")).encode(), durable=durable)


def read_json(path: Path) -> Any:
    """Return a file's value, None when there is none."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
