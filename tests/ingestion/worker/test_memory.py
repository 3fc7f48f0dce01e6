"""What a burst left behind goes back to the system."""

import sys
from pathlib import Path

import pytest

from ingestion.worker.memory import give_back


def resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_was_freed_does_not_stay_resident() -> None:
    small = [b"x" * 60_000 for _ in range(3000)]  # below the size that the system is asked for one by one
    kept = small[::500]
    full = resident()
    del small
    give_back()
    assert full - resident() > 100_000_000
    assert len(kept) == 6
