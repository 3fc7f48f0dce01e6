"""The one place where this package's own errors end: counted, told once per place, never raised into the host.

Everything that runs on the host's path goes through `guarded`. It never sees the host's own exceptions: those are
re-raised by whoever calls the host's code, outside of any guard.
"""

import functools
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

__all__ = ["Faults", "faults", "guarded", "log"]

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger("spanmeter")


class Faults:
    """How often something of ours went wrong, by place."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def note(self, place: str, error: BaseException | str) -> None:
        """Count it; the first at each place is told in the log, with its traceback for whoever debugs us."""
        self._counts[place] += 1
        if self._counts[place] == 1:
            trouble = error if isinstance(error, BaseException) else None
            kind = f"{type(error).__name__}: " if trouble else ""
            log.warning("spanmeter: %s: %s%s (told once)", place, kind, error, exc_info=trouble)

    def counts(self) -> dict[str, int]:
        """Return place → how often."""
        return dict(self._counts)

    def forget(self) -> None:
        """Start counting at zero."""
        self._counts.clear()


faults = Faults()


def guarded(place: str, otherwise: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function of ours: when it raises, the error is noted and `otherwise` is returned."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                _note_quietly(place, error)
                return otherwise  # type: ignore[no-any-return] # what each place says it is

        return wrapper

    return decorate


def _note_quietly(place: str, error: Exception) -> None:
    try:
        faults.note(place, error)
    except Exception:
        return
