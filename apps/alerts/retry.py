"""When a delivery is tried again. Pure: chance is passed in."""

import random
from datetime import timedelta

__all__ = ["SCHEDULE", "next_wait"]

# After the first attempt, and each one that follows: quick while it may be a blip, then for about three days.
SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
_JITTER = 0.2


def next_wait(attempts: int, *, chance: random.Random, retry_after: float | None = None) -> timedelta | None:
    """How long to wait after so many attempts; None gives up. Never shorter than the receiver asked for."""
    if attempts > len(SCHEDULE):
        return None
    wait = SCHEDULE[attempts - 1] * chance.uniform(1 - _JITTER, 1 + _JITTER)
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=retry_after * chance.uniform(1, 1 + _JITTER)))
    return wait
