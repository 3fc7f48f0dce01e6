"""From captured frames to records: named steps, each counted and timed.

    open → read (masks, tokens) → price → record

Pure but for the clock that it is given. A frame always becomes a record: what a step cannot do is said on the record
and counted here, because an exchange that was captured is not lost to a bug.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ingestion.currency import Rates
from ingestion.envelope import CorruptFrame, Envelope, Kind
from ingestion.envelope.decode import decode
from ingestion.exchange import read_exchange
from ingestion.ids import span_id_of, trace_id_of, uuid_text
from ingestion.price import price_record
from ingestion.pricebook import PriceBook
from ingestion.records import CostStatus, SpanRecord, SpanStatus
from ingestion.redact import Redactor
from ingestion.spool.segment import Frame

__all__ = ["Pipeline", "StepCount"]


@dataclass(slots=True)
class StepCount:
    """What one step did since the start of the process."""

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Pipeline:
    """Turns exchanges into priced spans."""

    book: Callable[[], tuple[PriceBook, Rates]]
    redactor: Redactor
    clock: Callable[[], float]
    counts: dict[str, StepCount] = field(default_factory=lambda: {"read": StepCount(), "price": StepCount()})

    def run(self, envelope: Envelope, *, interrupted: bool = False) -> SpanRecord:
        """Return the span of an OPEN or CLOSE envelope, priced."""
        return self.run_all([(envelope, interrupted)])[0]

    def run_all(self, exchanges: Sequence[tuple[Envelope, bool]]) -> list[SpanRecord]:
        """Return a span for each exchange, in their order. Steps are timed over the whole of them."""
        book, rates = self.book()
        started = self.clock()
        records = [self._read(envelope, interrupted, book) for envelope, interrupted in exchanges]
        between = self.clock()
        records = [self._price(record, book, rates) for record in records]
        ended = self.clock()
        for name, seconds in (("read", between - started), ("price", ended - between)):
            self.counts[name].calls += len(records)
            self.counts[name].seconds += seconds
        return records

    def opened(self, frames: Iterable[Frame]) -> list[Envelope]:
        """Return the envelopes of exchanges that will never close; what cannot be read is none."""
        envelopes = []
        for frame in frames:
            try:
                envelope = decode(frame.message)
            except CorruptFrame:
                continue
            if envelope.project_id:
                envelopes.append(envelope)
        return envelopes

    def _read(self, envelope: Envelope, interrupted: bool, book: PriceBook) -> SpanRecord:
        if interrupted and envelope.kind is not Kind.OPEN:
            envelope = replace(envelope, kind=Kind.OPEN)
        try:
            return read_exchange(envelope, redactor=self.redactor, book=book)
        except Exception as error:  # the reader is total; this is for the day when it is not
            self.counts["read"].failures += 1
            return _bare(envelope, f"not read: {type(error).__name__}: {str(error)[:200]}")

    def _price(self, record: SpanRecord, book: PriceBook, rates: Rates) -> SpanRecord:
        try:
            return price_record(record, book=book, rates=rates)
        except Exception as error:  # no cost is better than no record
            self.counts["price"].failures += 1
            reason = f"not priced: {type(error).__name__}"
            return replace(record, cost_status=CostStatus.UNPRICED, cost_reason=reason)


def _bare(envelope: Envelope, note: str) -> SpanRecord:
    """Return the little that is certain of an exchange that could not be read."""
    identity = envelope.id.ljust(16, b"\0")[:16]
    exchange = envelope.exchange
    started = (exchange.started_ns if exchange else 0) or envelope.received_ns
    return SpanRecord(
        project_id=envelope.project_id,
        trace_id=trace_id_of(identity),
        span_id=span_id_of(identity),
        start_ns=started,
        end_ns=started + (exchange.ended_after_ns if exchange else 0),
        received_ns=envelope.received_ns,
        request_id=uuid_text(identity),
        name="unreadable exchange",
        source="gateway",
        status=SpanStatus.INTERRUPTED if envelope.kind is Kind.OPEN else SpanStatus.UNSET,
        attributes={"spanmeter.note": note},
    )
