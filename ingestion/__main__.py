"""`python -m ingestion`: reads the settings, waits for nothing, moves the spool into the store until told to stop."""

import os
import signal
import sys
import time
from threading import Event
from types import FrameType

from ingestion.pipeline import Pipeline
from ingestion.prices.files import PriceFileError
from ingestion.prices.live import LivePrices
from ingestion.redact import RedactionError, Redactor
from ingestion.settings import IngestSettings, SettingsError
from ingestion.store.client import connect
from ingestion.store.decoder import Decoder
from ingestion.store.staging import Staging
from ingestion.store.writer import BatchWriter
from ingestion.worker import metrics
from ingestion.worker.assemble import SCHEMA, assemble, generous_patterns
from ingestion.worker.loop import AlreadyRunning, claim
from ingestion.worker.status import Status


def main() -> int:
    """Run until SIGTERM or SIGINT; the exit code is 0 then."""
    try:
        settings = IngestSettings.read()
        redactor = Redactor(settings.redact)
        prices = LivePrices(settings.home, clock=time.monotonic)
        claim(settings.home / "ingest")
    except (SettingsError, RedactionError, PriceFileError, AlreadyRunning) as error:
        print(f"ingest: {error}", file=sys.stderr)
        return 2
    stop = Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    status = Status(started_ns=time.time_ns())
    if settings.metrics_port:
        metrics.serve(status, settings.metrics_port)
    store = connect(settings.store, size=2)
    pipeline = Pipeline(book=prices, redactor=redactor, clock=time.perf_counter)
    print(f"ingest: reading {settings.home / 'spool'} (process {os.getpid()})", flush=True)
    # The embedded store reads our files; another ClickHouse is sent what an engine of our own makes of them.
    decoder = None if settings.store.embedded else Decoder(settings.home / "ingest" / "decoder")
    patterns = generous_patterns(redactor)
    staging = Staging(store.writer, settings.home, schema=SCHEMA, patterns=patterns, decoder=decoder)
    ingest = assemble(settings, store=BatchWriter(store.writer), staging=staging, pipeline=pipeline, status=status)
    ingest.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
