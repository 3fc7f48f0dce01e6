"""Rules, an evaluator that asks, and an ingest for tests: `Desk` leads a project through time against a real store."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from apps.accounts.models import Project
from apps.analytics.run import Reads
from apps.evals import evaluators
from apps.evals.evaluate import Bench as Work
from apps.evals.evaluate import evaluate_due
from apps.evals.evaluators import Answer, Ask, Setting, Subject, Verdict
from apps.evals.evaluators.settings import read_settings
from apps.evals.models import EvaluationRule
from apps.evals.services import rule_create
from ingestion.records import SpanRecord
from ingestion.scores.inbox import ScoreInbox
from ingestion.store.writer import BatchRow, BatchWriter
from tests.ingestion.world import World
from tests.rows import Bench, nanoseconds

__all__ = ["LENGTH", "Desk", "asking_evaluator"]

LENGTH: dict[str, Any] = {"name": "Short", "evaluator": "length", "settings": {"most": 10}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """Asks a model about every subject, and fails as it is told to."""

    name: ClassVar[str] = "oracle"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Oracle"
    help: ClassVar[str] = "Asks."
    data_type: ClassVar[str] = "number"
    asks: ClassVar[bool] = True
    settings: ClassVar[tuple[Setting, ...]] = (Setting(name="rubric", label="Rubric", kind="long_text"),)

    rubric: str | None = None
    ask: Ask | None = None

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """Read the settings."""
        return cls(**read_settings(cls.settings, value))

    def judge(self, subject: Subject) -> Verdict:
        """Ask about the output."""
        if self.ask is None:
            return Verdict(reason="no means to ask")
        answer = self.ask(subject.output)
        return Verdict(value=float(answer.text), comment="because", cost_usd=answer.cost_usd)


@contextmanager
def asking_evaluator() -> Iterator[None]:
    """The oracle is in the registry."""
    evaluators.EVALUATORS["oracle"] = Oracle
    yield
    del evaluators.EVALUATORS["oracle"]


@dataclass
class Desk:
    """One project in the real store; scores go through a spool of its own, and ingest runs when it is told to."""

    project: Project
    reads: Reads
    world: World
    box: ScoreInbox
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    asked: list[str] = field(default_factory=list)
    answers: Callable[[str], str] = lambda _prompt: "0.5"
    step: Callable[[str], None] = lambda _name: None

    @property
    def bench(self) -> Bench:
        """Where to put spans."""
        return Bench(self.world.store, self.project.pk)

    def arrive(self, *spans: SpanRecord, written: datetime) -> None:
        """Put spans into the store as a batch that became whole at some time."""
        writer, batch = BatchWriter(self.world.store.writer), secrets.randbits(63)
        records = [replace(span, project_id=self.project.pk) for span in spans]
        writer.insert_spans(records, batch_id=batch, token=secrets.token_hex(8))
        received = [span.received_ns for span in spans]
        row = BatchRow(
            project_id=self.project.pk, batch_id=batch, writer="w", segment=1, start_offset=0, end_offset=1,
            received_ns=min(received), last_received_ns=max(received), written_ns=nanoseconds(written),
            accepted=len(spans), written=len(spans), dropped=0,
        )  # fmt: skip
        writer.insert_batches([row], token=secrets.token_hex(8))

    def rule(self, value: Mapping[str, Any] = LENGTH, *, ago: timedelta = timedelta(hours=1)) -> EvaluationRule:
        """A rule that was made some time ago."""
        return rule_create(project=self.project, value=value, created_by=None, now=self.now - ago)

    def work(self) -> Work:
        """What a worker has."""

        def ask(prompt: str) -> Answer:
            self.asked.append(prompt)
            return Answer(self.answers(prompt), Decimal("0.002"))

        return Work(reads=self.reads, box=self.box, asker=lambda *_given: ask, clock=lambda: self.now, step=self.step)

    def look(self) -> int:
        """Carry out what is due, and let ingest write the scores."""
        given = evaluate_due(self.work())
        self.settle()
        return given

    def settle(self) -> None:
        """Let ingest write what was handed in."""
        self.world.ingest().drain()

    def scores(self) -> list[dict[str, Any]]:
        """The last version of every score, by trace and span."""
        names = ("id", "trace_id", "span_id", "name", "data_type", "value", "comment", "evaluator_version", "versions")
        rows = self.world.rows(
            "SELECT id, argMax(trace_id, updated_at), argMax(span_id, updated_at), argMax(name, updated_at), "
            "argMax(data_type, updated_at), argMax((value,), updated_at).1, argMax(comment, updated_at), "
            "argMax(evaluator_version, updated_at), count() FROM scores WHERE project_id = %(project)s "
            "GROUP BY id ORDER BY 2, 3"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]
