"""Loaded into the Celery worker (`--include`): once it takes jobs it holds a lock, so the supervisor knows."""

import fcntl
import os
from pathlib import Path
from typing import Any

from celery.signals import worker_ready

__all__ = ["hold_lock", "lock_path"]

_held: list[int] = []


def lock_path(home: Path) -> Path:
    """Return the file whose lock says that the worker is ready."""
    return home / "up" / "worker.lock"


def hold_lock(path: Path) -> bool:
    """Lock the file for the rest of the process's life; False when another worker of this home holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held.append(descriptor)
    return True


@worker_ready.connect
def _on_ready(**_kwargs: Any) -> None:
    from django.conf import settings

    hold_lock(lock_path(settings.SPANMETER_HOME))
