"""What the worker does about evaluations. May be cut off anywhere and run again."""

import threading
import time
from datetime import UTC, datetime

import structlog
from celery import shared_task
from django.db import OperationalError

from apps.analytics.run import reads
from apps.evals.asking import asker_of_installation
from apps.evals.backfills import backfills_go_on
from apps.evals.evaluate import Bench, evaluate_due
from ingestion.scores.inbox import inbox

__all__ = ["evaluate"]

_SECONDS = 12.0  # of work at a time: alerts and other rules are waiting
_alone = threading.Lock()
_log = structlog.get_logger(__name__)


@shared_task(name="apps.evals.jobs.evaluate")
def evaluate() -> int:
    """Judge what arrived since the last time, then go on with back-fills; return how many scores were handed in."""
    if not _alone.acquire(blocking=False):
        return 0  # a slow model must not hold more than one of the worker's threads
    end = time.monotonic() + _SECONDS
    bench = Bench(
        reads=reads(), box=inbox(), asker=asker_of_installation(), clock=lambda: datetime.now(UTC),
        go_on=lambda: time.monotonic() < end,
    )  # fmt: skip
    try:
        return evaluate_due(bench) + backfills_go_on(bench)
    except OperationalError as error:
        # The database is away or busy: nothing was half-written, and beat asks again.
        _log.warning("evaluation_put_off", error=str(error))
        return 0
    finally:
        _alone.release()
