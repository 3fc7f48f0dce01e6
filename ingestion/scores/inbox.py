"""How a web process hands scores in: through a spool directory of its own, like a gateway's.

So a score from the API or a page goes the way of all records: on disk before it is answered, written once by ingest,
counted by the ledger, and taken while the store is away. Must never know who asks or whether they may.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ingestion.envelope import Envelope, Kind, encode, frame
from ingestion.ids import uuid7_bytes
from ingestion.records import ScoreRecord
from ingestion.scores.event import encode_scores
from ingestion.settings import GatewaySettings
from ingestion.spool.writer import SpoolWriter

__all__ = ["InboxFull", "ScoreInbox", "inbox", "install"]


class InboxFull(Exception):  # noqa: N818 - says what it is
    """The spool takes nothing now; the message says why. Nothing was recorded."""


class ScoreInbox:
    """Appends scores to the spool. One per process, for all its threads; opens nothing before the first score."""

    def __init__(
        self,
        spool: Path,
        *,
        total_bytes: int,
        segment_bytes: int,
        sync: bool = True,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._spool = spool
        self._total_bytes = total_bytes
        self._segment_bytes = segment_bytes
        self._sync = sync
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._writer: SpoolWriter | None = None

    @classmethod
    def of(cls, settings: GatewaySettings) -> "ScoreInbox":
        """Return the inbox beside this gateway, under the same bounds."""
        return cls(
            settings.home / "spool",
            total_bytes=settings.spool_bytes,
            segment_bytes=settings.segment_bytes,
            sync=settings.fsync != "off",
        )

    def add(self, project_id: int, scores: Sequence[ScoreRecord]) -> int:
        """Append scores of one project, all or none; returns the time of receipt. They are in a file then.

        Raises InboxFull.
        """
        body = encode_scores(scores)
        with self._lock:
            now_ns = self._clock_ns()
            # No hash: two people may say the same, and somebody may say again what was taken back.
            envelope = Envelope(
                kind=Kind.LOGS,
                project_id=project_id,
                received_ns=now_ns,
                id=uuid7_bytes(now_ns=now_ns),
                records=len(scores),
                content_type="application/x-protobuf",
                payload=body,
            )
            try:
                writer = self._open()
            except OSError as error:
                raise InboxFull(f"the spool cannot be written: {error.strerror}") from error
            writer.survey()  # gateways fill it too
            if not writer.append([[frame(encode(envelope))]]):
                raise InboxFull(f"the spool takes nothing now: {writer.refusal}")
            if self._sync:
                writer.sync()
            writer.tick()
            return now_ns

    def close(self) -> None:
        """Let go of the directory."""
        with self._lock:
            if self._writer is not None:
                self._writer.close(sync=self._sync)
                self._writer = None

    def _open(self) -> SpoolWriter:
        if self._writer is None:
            self._writer = SpoolWriter(
                self._spool, total_bytes=self._total_bytes, segment_bytes=self._segment_bytes, segment_age=3600.0
            )
        return self._writer


class _Installed:
    """The process's inbox: made on first use."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.make: Callable[[], ScoreInbox] | None = None
        self.made: ScoreInbox | None = None


_installed = _Installed()


def install(make: Callable[[], ScoreInbox]) -> None:
    """Say how this process hands scores in; called once by the wiring."""
    with _installed.lock:
        _installed.make, _installed.made = make, None


def inbox() -> ScoreInbox:
    """Return the process's inbox."""
    with _installed.lock:
        if _installed.made is None:
            if _installed.make is None:
                raise RuntimeError("ingestion.scores.inbox.install() has not been called")
            _installed.made = _installed.make()
        return _installed.made
