"""The parts of ingest put together. What a new process must remember is asked of the store on its first turn."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from ingestion.pipeline import Pipeline
from ingestion.redact import Redactor
from ingestion.settings import IngestSettings
from ingestion.store.staging import Staging
from ingestion.store.writer import BatchWriter
from ingestion.worker.batch import Procedure
from ingestion.worker.duplicates import Duplicates
from ingestion.worker.loop import Ingest
from ingestion.worker.price_file import PriceFile
from ingestion.worker.responses import Responses
from ingestion.worker.status import Status

__all__ = ["SCHEMA", "assemble", "generous_patterns"]

SCHEMA = Path(__file__).parents[1] / "conventions" / "engine.proto"

_AROUND = re.compile(r"\(\?<?[!=](?:[^()\\]|\\.)*\)")
_POSSESSIVE = re.compile(r"(?<!\\)([+*?}])\+")
_DAY_NS = 24 * 3600 * 1_000_000_000
_QUARTER_HOUR_NS = 15 * 60 * 1_000_000_000


def generous_patterns(redactor: Redactor) -> list[str]:
    """Return the redactor's patterns as the engine can search for them: without what looks around or never gives back.

    They match at least what the redactor would mask; the redactor itself then looks again.
    """
    return [_POSSESSIVE.sub(r"\1", _AROUND.sub("", pattern.regex.pattern)) for pattern in redactor.patterns]


def assemble(
    settings: IngestSettings,
    *,
    store: BatchWriter,
    staging: Staging,
    pipeline: Pipeline,
    status: Status,
    clock_ns: Callable[[], int] = time.time_ns,
    step: Callable[[str], None] = lambda _name: None,
) -> Ingest:
    """Return an Ingest that is ready to run. `step` is called between any two effects."""
    duplicates = Duplicates()
    responses = Responses()

    def remember() -> None:
        now_ns = clock_ns()
        duplicates.load(store.hashes_since(now_ns - _DAY_NS, most=duplicates.most))
        responses.load(store.billed_responses_since(now_ns - _QUARTER_HOUR_NS, most=responses.most))

    procedure = Procedure(
        settings.home / "ingest",
        store=store,
        staging=staging,
        pipeline=pipeline,
        prices=PriceFile(pipeline.book),
        duplicates=duplicates,
        responses=responses,
        clock_ns=clock_ns,
        step=step,
    )
    return Ingest(settings, procedure, remember=remember, status=status, clock_ns=clock_ns, step=step)
