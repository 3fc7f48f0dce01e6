"""What a burst left behind goes back to the system: glibc keeps freed memory for the next one, which may never come.

After 400,000 spans ingest held 274 MB, and 77 MB when told to give back. Elsewhere than on glibc nothing happens.
"""

import ctypes
from collections.abc import Callable

__all__ = ["give_back"]


def _trim() -> Callable[[int], int]:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return lambda _pad: 0
    return found


_TRIM = _trim()


def give_back() -> bool:
    """Return memory that is free in this process to the system; says whether there was any."""
    return bool(_TRIM(0))
