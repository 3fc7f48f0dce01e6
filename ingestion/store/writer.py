"""The only INSERTs: rows of a batch into their tables, each insert under a deduplication token.

An insert that is repeated under its token is ignored by the store, views included; so whoever does not know whether
an insert arrived may simply do it again. One insert is one block, or it would be several deduplicated parts of which
some may be missing. Knows columns and tokens; must never know what a batch is or where it came from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from ingestion.records import CALL_KINDS, Drop, GpuSample, ScoreRecord, SpanRecord
from ingestion.store.client import Writer

__all__ = ["ONE_BLOCK", "BatchRow", "BatchWriter", "IntakeHash"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """What a batch did for one project: a row of `batches`."""

    project_id: int
    batch_id: int
    writer: str
    segment: int
    start_offset: int
    end_offset: int
    received_ns: int
    last_received_ns: int
    written_ns: int
    accepted: int
    written: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeHash:
    """One body that was accepted, so that the same bytes are known when they come again."""

    project_id: int
    body_hash: bytes
    position: str
    received_ns: int


# One block per insert: deduplication works block by block, and a half-inserted batch must not exist.
ONE_BLOCK: dict[str, str | int | float] = {
    "min_insert_block_size_rows": 10_000_000,
    "min_insert_block_size_bytes": 4_000_000_000,
    "max_insert_block_size": 10_000_000,
    "max_partitions_per_insert_block": 0,
    # A query's setting, which a table cannot carry: text indexes are built by merges, not in front of the ledger.
    "materialize_skip_indexes_on_insert": 0,
}

_Column = Callable[[Any], Any]


def _micros(name: str) -> _Column:
    return lambda row: getattr(row, name) // 1000


def _millis(name: str) -> _Column:
    return lambda row: getattr(row, name) // 1_000_000


def _maybe_micros(name: str) -> _Column:
    def read(row: Any) -> int | None:
        value = getattr(row, name)
        return None if value is None else value // 1000

    return read


def _attribute(name: str) -> _Column:
    return attrgetter(name)


def _text(name: str) -> _Column:
    return lambda row: str(getattr(row, name))


_SPAN_SPECIAL: dict[str, tuple[str, _Column]] = {
    "start_ns": ("start_time", _micros("start_ns")),
    "end_ns": ("end_time", _micros("end_ns")),
    "ttft_ns": ("ttft_us", _maybe_micros("ttft_ns")),
    "received_ns": ("received_at", _millis("received_ns")),
    "queue_ns": ("queue_us", _maybe_micros("queue_ns")),
    "kind": ("kind", _text("kind")),
    "status": ("status", _text("status")),
    "cost_status": ("cost_status", _text("cost_status")),
}


def _span_columns() -> dict[str, _Column]:
    columns = dict(_SPAN_SPECIAL.get(f.name, (f.name, _attribute(f.name))) for f in fields(SpanRecord))
    columns["duration_us"] = lambda row: max(0, row.end_ns - row.start_ns) // 1000
    return columns


_SPANS = _span_columns()
_SCORE_SPECIAL: dict[str, tuple[str, _Column]] = {
    "timestamp_ns": ("timestamp", _millis("timestamp_ns")),
    "received_ns": ("received_at", _millis("received_ns")),
    "updated_ns": ("updated_at", _micros("updated_ns")),
}
_SCORES = dict(_SCORE_SPECIAL.get(f.name, (f.name, _attribute(f.name))) for f in fields(ScoreRecord))
_DROPS: dict[str, _Column] = {
    "project_id": _attribute("project_id"),
    "received_at": _millis("received_ns"),
    "reason": _text("reason"),
    "signal": _attribute("signal"),
    "records": _attribute("records"),
    "detail": _attribute("detail"),
    "position": _attribute("position"),
    "sample": _attribute("sample"),
}
_GPU: dict[str, _Column] = {
    "project_id": _attribute("project_id"),
    "metric": _attribute("metric"),
    "host": _attribute("host"),
    "device": _attribute("device"),
    "model": _attribute("model"),
    "time": _millis("time_ns"),
    "value": _attribute("value"),
    "unit": _attribute("unit"),
    "instrument": _attribute("instrument"),
    "start_time": _millis("start_ns"),
    "labels": _attribute("labels"),
    "received_at": _millis("received_ns"),
}
_BATCHES: dict[str, _Column] = {
    "project_id": _attribute("project_id"),
    "batch_id": _attribute("batch_id"),
    "writer": _attribute("writer"),
    "segment": _attribute("segment"),
    "start_offset": _attribute("start_offset"),
    "end_offset": _attribute("end_offset"),
    "received_at": _millis("received_ns"),
    "last_received_at": _millis("last_received_ns"),
    "written_at": _millis("written_ns"),
    "accepted": _attribute("accepted"),
    "written": _attribute("written"),
    "dropped": _attribute("dropped"),
}
_HASHES: dict[str, _Column] = {
    "project_id": _attribute("project_id"),
    "body_hash": lambda row: row.body_hash.decode("latin-1"),
    "position": _attribute("position"),
    "received_at": _millis("received_ns"),
}


class BatchWriter:
    """Inserts batches through a store's writer."""

    def __init__(self, client: Writer) -> None:
        self._client = client

    def ping(self) -> None:
        """Raise what the store raises when it is not there."""
        self._client.rows("SELECT 1")

    def insert_spans(self, records: Sequence[SpanRecord], *, batch_id: int, token: str) -> None:
        """Insert finished spans."""
        self._insert("spans", _SPANS, records, token=token, batch_id=batch_id)

    def insert_gpu_samples(self, samples: Sequence[GpuSample], *, batch_id: int, token: str) -> None:
        """Insert measured values."""
        self._insert("gpu_samples", _GPU, samples, token=token, batch_id=batch_id)

    def insert_scores(self, scores: Sequence[ScoreRecord], *, batch_id: int, token: str) -> None:
        """Insert judgements; a correction is one more row."""
        self._insert("scores", _SCORES, scores, token=token, batch_id=batch_id)

    def insert_drops(self, drops: Sequence[Drop], *, batch_id: int, token: str) -> None:
        """Insert what is accepted and will not be written."""
        self._insert("drops", _DROPS, drops, token=token, batch_id=batch_id)

    def insert_batches(self, rows: Sequence[BatchRow], *, token: str) -> None:
        """Insert what a batch did: its last insert."""
        self._insert("batches", _BATCHES, rows, token=token)

    def insert_hashes(self, rows: Sequence[IntakeHash], *, token: str) -> None:
        """Remember bodies."""
        self._insert("intake_hashes", _HASHES, rows, token=token, settings={"strings_encoding": "latin-1"})

    def _insert(
        self,
        table: str,
        columns: Mapping[str, _Column],
        rows: Sequence[Any],
        *,
        token: str,
        batch_id: int | None = None,
        settings: Mapping[str, str | int | float] | None = None,
    ) -> None:
        if not rows:
            return
        data: dict[str, list[Any]] = {name: list(map(read, rows)) for name, read in columns.items()}
        if batch_id is not None:
            data["batch_id"] = [batch_id] * len(rows)
        self._client.insert(table, data, token=token, settings={**ONE_BLOCK, **(settings or {})})

    # --- what a new process must remember ---

    def hashes_since(self, received_ns: int, *, most: int) -> list[tuple[int, bytes, str, int]]:
        """Return project, hash, position and time (ns) of the bodies accepted since then, the newest first."""
        rows = self._client.rows(
            "SELECT project_id, body_hash, position, toUnixTimestamp64Milli(received_at) FROM intake_hashes "
            "WHERE received_at >= fromUnixTimestamp64Milli(%(since)s) ORDER BY received_at DESC LIMIT %(most)s",
            {"since": received_ns // 1_000_000, "most": most},
            settings={"strings_encoding": "latin-1"},
        )
        return [
            (project, _hash(body_hash), position, millis * 1_000_000) for project, body_hash, position, millis in rows
        ]

    def billed_responses_since(self, start_ns: int, *, most: int) -> list[tuple[int, str, str]]:
        """Return project, name and source of the latest calls: all of the gateway's, and what SDKs bill. A call is
        named by its answer's id and, of the gateway's, by the span that asked (ingestion/worker/responses.py).
        """
        by_answer = "if(response_id != '', [response_id], [])"
        by_parent = "if(parent_span_id != '', [concat(trace_id, '/', parent_span_id)], [])"
        by_itself = "if(response_id = '', [concat(trace_id, '/', span_id)], [])"
        rows = self._client.rows(
            "SELECT project_id, arrayJoin(arrayConcat("
            f"{by_answer}, if(source = 'gateway', {by_parent}, {by_itself}))) AS name, source FROM spans "
            "WHERE kind IN %(kinds)s "
            "AND (source = 'gateway' OR (billable AND cost_usd IS NOT NULL)) "
            "AND start_time >= fromUnixTimestamp64Micro(%(since)s) ORDER BY start_time DESC LIMIT %(most)s",
            {"since": start_ns // 1000, "most": most, "kinds": [str(kind) for kind in CALL_KINDS]},
        )
        return [(project, name, source) for project, name, source in rows]


def _hash(text: str) -> bytes:
    return text.encode("latin-1").ljust(16, b"\0")
