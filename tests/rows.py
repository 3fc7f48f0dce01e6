"""Rows for tests: spans and drops with few words, and a project in a real store to put them in."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.drops import DropReason
from ingestion.records import CostStatus, Drop, ScoreRecord, SpanKind, SpanRecord, SpanStatus
from ingestion.store.client import Store
from ingestion.store.writer import BatchRow, BatchWriter

__all__ = ["NOW", "Bench", "call_at", "drop_at", "nanoseconds", "score_at", "span_at", "trace_id"]

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


def trace_id() -> str:
    """A new trace id."""
    return secrets.token_hex(16)


def nanoseconds(moment: datetime) -> int:
    """Unix nanoseconds, exact to the microsecond."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000


def drop_at(moment: datetime, *, reason: DropReason = DropReason.MALFORMED_SPAN, records: int = 1, **more: str) -> Drop:
    """A drop received at `moment`."""
    return Drop(project_id=0, received_ns=nanoseconds(moment), reason=reason, signal="traces", records=records, **more)


def score_at(moment: datetime, *, value: float = 1.0, **more: Any) -> ScoreRecord:
    """A score given at `moment`, of nothing in particular unless told."""
    at = nanoseconds(moment)
    given = {"id": secrets.token_hex(8), "name": "quality", "data_type": "number", "session_id": "s"} | more
    return ScoreRecord(project_id=0, value=value, timestamp_ns=at, received_ns=at, updated_ns=at, **given)


def span_at(start: datetime, *, seconds: float = 1.0, trace: str = "", **more: Any) -> SpanRecord:
    """A span that began at `start`, of a trace of its own unless told."""
    begins = nanoseconds(start)
    return SpanRecord(
        **{
            "project_id": 0,
            "trace_id": trace or trace_id(),
            "span_id": secrets.token_hex(8),
            "start_ns": begins,
            "end_ns": nanoseconds(start + timedelta(seconds=seconds)),
            "received_ns": nanoseconds(start + timedelta(seconds=seconds + 1)),
            "status": SpanStatus.OK,
            "name": "step",
            **more,
        }
    )


def call_at(start: datetime, *, cost: str | None = "0.01", model: str = "gpt-4o", **more: Any) -> SpanRecord:
    """A call to a model, priced unless `cost` is None."""
    amount = None if cost is None else Decimal(cost)
    return span_at(
        start,
        **{
            "kind": SpanKind.LLM,
            "name": "chat",
            "provider": "openai",
            "model": model,
            "model_requested": model,
            "billable": True,
            "input_tokens": 100,
            "output_tokens": 20,
            "usage_basis": "provider",
            "cost": amount,
            "cost_usd": amount,
            "cost_currency": "USD" if amount is not None else "",
            "cost_status": CostStatus.UNPRICED if amount is None else CostStatus.PRICED,
            "cost_reason": "" if amount is not None else f"no price for {model}",
            **more,
        },
    )


class Bench:
    """One project in the store, to be filled by a test."""

    def __init__(self, store: Store, project_id: int) -> None:
        self.store = store
        self.project_id = project_id
        self._writer = BatchWriter(store.writer)

    def spans(self, *spans: SpanRecord, batch_id: int | None = None) -> None:
        """Insert spans as one batch that is whole (told to the ledger too)."""
        batch = secrets.randbits(63) if batch_id is None else batch_id
        records = [replace(span, project_id=self.project_id) for span in spans]
        self._writer.insert_spans(records, batch_id=batch, token=secrets.token_hex(8))
        self.batch(batch, accepted=len(records), written=len(records), at_ns=records[0].received_ns)

    def scores(self, *scores: ScoreRecord) -> None:
        """Insert versions of scores as one whole batch."""
        batch = secrets.randbits(63)
        records = [replace(score, project_id=self.project_id) for score in scores]
        self._writer.insert_scores(records, batch_id=batch, token=secrets.token_hex(8))
        self.batch(batch, accepted=len(records), written=len(records), at_ns=records[0].received_ns)

    def drops(self, *drops: Drop, batch_id: int | None = None) -> None:
        """Insert drops as one whole batch."""
        batch = secrets.randbits(63) if batch_id is None else batch_id
        records = [replace(drop, project_id=self.project_id) for drop in drops]
        self._writer.insert_drops(records, batch_id=batch, token=secrets.token_hex(8))
        lost = sum(drop.records for drop in records)
        self.batch(batch, accepted=lost, dropped=lost, at_ns=records[0].received_ns)

    def batch(self, batch_id: int, *, accepted: int, at_ns: int, written: int = 0, dropped: int = 0) -> None:
        """Say that a batch is whole."""
        row = BatchRow(
            project_id=self.project_id,
            batch_id=batch_id,
            writer="w",
            segment=secrets.randbits(31),
            start_offset=0,
            end_offset=100,
            received_ns=at_ns,
            last_received_ns=at_ns,
            written_ns=at_ns + 1_000_000_000,
            accepted=accepted,
            written=written,
            dropped=dropped,
        )
        self._writer.insert_batches([row], token=secrets.token_hex(8))
