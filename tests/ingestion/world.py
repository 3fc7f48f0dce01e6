"""An installation in a folder: a gateway's spool to write into, an ingest to run, and what the store then holds."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from ingestion.envelope import Envelope, Exchange, Kind, Outcome, encode, frame
from ingestion.ids import uuid7_bytes
from ingestion.ledger import spooled
from ingestion.pipeline import Pipeline
from ingestion.prices.files import load_pricebook, load_rates
from ingestion.redact import Redactor
from ingestion.settings import IngestSettings
from ingestion.spool.writer import SpoolWriter
from ingestion.store.client import Store
from ingestion.store.staging import Staging
from ingestion.store.writer import BatchWriter
from ingestion.worker.assemble import SCHEMA, assemble, generous_patterns
from ingestion.worker.loop import Ingest
from ingestion.worker.status import Status
from proxy.otlp_count import count_json, count_protobuf

BOOK, RATES = load_pricebook(), load_rates()
# The effects of a batch, in order: between any two of them ingest may end.
STEPS = (
    "planned",
    "bodies inserted",
    "exchanges inserted",
    "samples inserted",
    "scores inserted",
    "drops inserted",
    "hashes inserted",
    "batches inserted",
    "cursor moved",
    "plan removed",
    "segment finished",
)


def pipeline() -> Pipeline:
    return Pipeline(book=lambda: (BOOK, RATES), redactor=Redactor(), clock=time.perf_counter)


def exchange(
    *, answer_id: str = "", text: str = "hello", started_ns: int = 0, parent: str = "", refused: bool = False
) -> Exchange:
    """A chat with OpenAI that was answered, or refused; `parent`: the traceparent that was sent with it."""
    request = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).encode()
    answer = json.dumps(
        {
            "id": answer_id or "chatcmpl-1",
            "object": "chat.completion",
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
        }
    ).encode()
    if refused:
        answer = b'{"error": {"message": "slow down", "type": "rate_limit_error"}}'
    kind = ((b"content-type", b"application/json"),)
    return Exchange(
        provider="openai",
        method="POST",
        url="https://api.openai.com/v1/chat/completions",
        request_headers=(*kind, (b"traceparent", parent.encode())) if parent else kind,
        request_body=request,
        request_bytes=len(request),
        status=429 if refused else 200,
        response_headers=kind,
        response_body=answer,
        response_bytes=len(answer),
        started_ns=started_ns or time.time_ns(),
        ended_after_ns=5_000_000,
        outcome=Outcome.COMPLETE,
    )


def traces(spans: int, *, seed: int = 0, **attributes: str) -> bytes:
    """An OTLP body of so many billable spans."""
    data = TracesData()
    into = data.resource_spans.add().scope_spans.add()
    now_ns = time.time_ns()
    for number in range(spans):
        span = into.spans.add(name="chat gpt-4o", start_time_unix_nano=now_ns - 2_000_000, end_time_unix_nano=now_ns)
        digest = hashlib.blake2b(f"{seed}/{number}/{now_ns}".encode(), digest_size=24).digest()
        span.trace_id, span.span_id = digest[:16], digest[16:]
        wanted = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
        for key, value in {**wanted, **attributes}.items():
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 100 + number
        span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 7
    return bytes(data.SerializeToString())


class Interrupt(BaseException):
    """A kill, as far as the code can tell: no handler of ours may catch it."""


def interrupting(at: str, *, time: int = 1) -> Callable[[str], None]:
    """A step that ends the process when it comes to a place for the n-th time."""
    met = 0

    def step(name: str) -> None:
        nonlocal met
        if name == at:
            met += 1
            if met == time:
                raise Interrupt(name)

    return step


@dataclass
class World:
    """One installation with one project."""

    home: Path
    store: Store
    project: int
    segment_bytes: int = 1 << 20
    step: Callable[[str], None] = lambda _name: None
    writers: list[SpoolWriter] = field(default_factory=list)

    def gateway(self) -> SpoolWriter:
        writer = SpoolWriter(self.home / "spool", total_bytes=1 << 30, segment_bytes=self.segment_bytes)
        self.writers.append(writer)
        return writer

    def put(self, writer: SpoolWriter, *envelopes: Envelope) -> None:
        assert writer.append([[frame(encode(envelope))] for envelope in envelopes]) == len(envelopes)

    def opened(self, identity: bytes, **more: Any) -> Envelope:
        return Envelope(
            kind=Kind.OPEN, project_id=self.project, received_ns=time.time_ns(), id=identity, exchange=exchange(**more)
        )

    def closed(self, identity: bytes, **more: Any) -> Envelope:
        return Envelope(
            kind=Kind.CLOSE,
            project_id=self.project,
            received_ns=time.time_ns(),
            id=identity,
            records=1,
            exchange=exchange(**more),
        )

    def body(self, otlp: bytes, *, records: int, kind: Kind = Kind.TRACES, payload: bytes = b"") -> Envelope:
        return Envelope(
            kind=kind,
            project_id=self.project,
            received_ns=time.time_ns(),
            id=identity(),
            records=records,
            body_hash=hashlib.blake2b(otlp or payload, digest_size=16).digest(),
            content_type="application/json" if payload else "application/x-protobuf",
            otlp=otlp,
            payload=payload,
        )

    def export(self, kind: Kind, payload: bytes, *, as_json: bool = False) -> Envelope:
        """A body of metrics or logs, counted as the gateway counts it."""
        count = count_json if as_json else count_protobuf
        made = self.body(b"", records=count(payload, kind.name.lower()), kind=kind, payload=payload)
        return replace(made, content_type="application/json" if as_json else "application/x-protobuf")

    def ingest(
        self,
        *,
        step: Callable[[str], None] | None = None,
        store: BatchWriter | None = None,
        staging: Staging | None = None,
        **settings: str,
    ) -> Ingest:
        """A fresh process, as far as its memory goes."""
        values = {"SPANMETER_HOME": str(self.home), "SPANMETER_CLICKHOUSE_URL": "clickhouse://unused", **settings}
        return assemble(
            IngestSettings.read(values),
            store=store or BatchWriter(self.store.writer),
            staging=staging
            or Staging(self.store.writer, self.home, schema=SCHEMA, patterns=generous_patterns(Redactor())),
            pipeline=pipeline(),
            status=Status(),
            step=step or self.step,
        )

    def rows(self, sql: str) -> list[tuple]:
        return self.store.writer.rows(sql, {"project": self.project})

    def spans(self) -> list[tuple]:
        return self.rows(
            "SELECT source, status, count() FROM spans WHERE project_id = %(project)s GROUP BY ALL ORDER BY ALL"
        )

    def drops(self) -> dict[str, int]:
        return dict(self.rows("SELECT reason, sum(records) FROM drops WHERE project_id = %(project)s GROUP BY reason"))

    def balance(self) -> tuple[int, int, int, int]:
        """Accepted, written, dropped, spooled: by the rule of the ledger."""
        accepted, dropped = self.rows("SELECT sum(accepted), sum(dropped) FROM batches WHERE project_id = %(project)s")[
            0
        ]
        written = self.rows(
            "SELECT count() FROM spans WHERE project_id = %(project)s AND batch_id IN "
            "(SELECT batch_id FROM batches WHERE project_id = %(project)s)"
        )[0][0]
        covered = {
            writer: (segment, offset)
            for writer, segment, offset in self.rows(
                "SELECT writer, max((segment, end_offset)).1, max((segment, end_offset)).2 FROM batches GROUP BY writer"
            )
        }
        count = spooled(self.home, covered).get(self.project)
        waiting = count.records if count else 0
        return accepted + waiting, written, dropped, waiting

    def assert_balanced(self) -> None:
        """A killed client's last insert may still be under way in the store, and be seen by some of the counts."""
        deadline = time.monotonic() + 20
        while True:
            accepted, written, dropped, waiting = self.balance()
            told = self.rows(
                "SELECT sum(records) FROM drops WHERE project_id = %(project)s AND batch_id IN "
                "(SELECT batch_id FROM batches WHERE project_id = %(project)s)"
            )[0][0]
            if accepted == written + dropped + waiting and told == dropped:
                return
            assert time.monotonic() < deadline, (accepted, written, dropped, waiting, told)
            time.sleep(0.1)

    def assert_settled(self, *, written: int, dropped: int) -> None:
        """Everything that was accepted is in the ledger as this."""
        found = self.rows(
            "SELECT sum(accepted), sum(written), sum(dropped) FROM batches WHERE project_id = %(project)s"
        )
        assert found == [(written + dropped, written, dropped)]


def identity() -> bytes:
    return uuid7_bytes(now_ns=time.time_ns())
