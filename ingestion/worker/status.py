"""What ingest says of itself: `ingest/status.json` for the web, and Prometheus numbers where a port is set."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ingestion.worker.files import write_json

__all__ = ["Status"]


@dataclass(slots=True)
class Status:
    """Counters since the start of this process, and the last of what matters. Times are Unix nanoseconds."""

    started_ns: int = 0
    pid: int = field(default_factory=os.getpid)
    state: str = "starting"  # working | idle | store_unavailable | stopped
    records: int = 0
    batches: int = 0
    bytes: int = 0
    replays: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    torn_bytes: int = 0
    interrupted: int = 0
    freed_bytes: int = 0
    last_batch_ns: int = 0
    last_batch_records: int = 0
    last_batch_seconds: float = 0.0
    lag_seconds: float = 0.0  # age of the oldest record of the last batch when it was written
    last_error: str = ""
    last_error_ns: int = 0
    errors: int = 0
    steps: dict[str, dict[str, float]] = field(default_factory=dict)

    def failed(self, message: str, now_ns: int) -> None:
        """Note why nothing is moving."""
        self.last_error = message
        self.last_error_ns = now_ns
        self.errors += 1

    def write(self, path: Path, now_ns: int) -> None:
        """Replace the status file."""
        write_json(path, {**self.values(), "written_ns": now_ns}, durable=False)

    def values(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)
