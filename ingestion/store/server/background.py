"""Merges give way: their threads run at a lower priority than those that answer clients.

On a machine with two cores, two merges would otherwise take half of what inserts and pages need. The engine has a
setting for this that only root may use; lowering one's own threads needs no right at all. Linux alone has a priority
per thread; elsewhere nothing happens.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["NICE", "give_way", "give_way_soon"]

NICE = 10  # a tenth of a core while both are wanted, all of it while nobody else wants it: merges must not starve
_THREADS = Path("/proc/self/task")
_NAME = "MergeMutate"


def give_way() -> int:
    """Lower the priority of the engine's merging threads, which live as long as the engine; returns how many."""
    lowered = 0
    with suppress(FileNotFoundError):
        for entry in _THREADS.iterdir():
            with suppress(OSError):  # a thread that ended meanwhile
                if (entry / "comm").read_text().startswith(_NAME):
                    os.setpriority(os.PRIO_PROCESS, int(entry.name), NICE)
                    lowered += 1
    return lowered


def give_way_soon(*, pause: float = 1.0) -> None:
    """Wait for those threads, which an engine starts with its first table, and lower them."""
    while _THREADS.exists() and not give_way():
        time.sleep(pause)
