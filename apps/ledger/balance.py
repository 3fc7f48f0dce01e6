"""The ledger as of now: the store's side and the spool's, read so that they fit together."""

import threading
from datetime import datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from apps.analytics.ledger import Ledger, coverage, ledger
from apps.analytics.query import TimeRange
from apps.analytics.run import Reads
from ingestion.ledger import SpooledCount, SpoolReader

__all__ = ["ledger_now"]

_TRIES = 5


class _Spool:
    """The process's reader of the spool; it remembers what it has read, so only one thread may ask at a time."""

    def __init__(self, home: Path) -> None:
        self._lock = threading.Lock()
        self._reader = SpoolReader(home)

    def counts(self, covered: dict[str, tuple[int, int]]) -> dict[int, SpooledCount]:
        with self._lock:
            return self._reader.spooled(covered)


@cache
def _spool(home: Path) -> _Spool:
    return _Spool(home)


def ledger_now(
    reads: Reads, project_id: int, time_range: TimeRange | None, *, now: datetime, zone: str = "UTC"
) -> Ledger:
    """Balance a project. Ingest goes on meanwhile: when a batch became whole between our reads, they do not fit; read
    again.

    What is spooled belongs to now, so a range that ends earlier is balanced without it.
    """
    with_spool = time_range is None or time_range.end >= now
    covered = dict(coverage(reads))
    for _ in range(_TRIES):
        spooled = _spool(settings.SPANMETER_HOME).counts(covered).get(project_id) if with_spool else None
        answer = ledger(reads, project_id, time_range, spooled=spooled, now=now, zone=zone)
        after = dict(coverage(reads))
        if after == covered:
            break
        covered = after
    return answer
