"""The steps that turn an exchange into a priced span: total, counted, timed."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from ingestion import pipeline as module
from ingestion.envelope import Envelope, Kind
from ingestion.pipeline import Pipeline
from ingestion.redact import Redactor
from tests.ingestion.world import BOOK, RATES, exchange, identity


def ticking() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 1.5


@pytest.fixture
def steps() -> Pipeline:
    clock = ticking()
    return Pipeline(book=lambda: (BOOK, RATES), redactor=Redactor(), clock=lambda: next(clock))


def closed() -> Envelope:
    return Envelope(kind=Kind.CLOSE, project_id=1, received_ns=1, id=identity(), records=1, exchange=exchange())


def test_an_exchange_is_read_and_priced(steps: Pipeline) -> None:
    record = steps.run(closed())
    assert (record.model, record.input_tokens, record.output_tokens) == ("gpt-4o-2024-08-06", 9, 2)
    assert record.cost == Decimal("0.0000425")
    assert {name: (count.calls, count.seconds) for name, count in steps.counts.items()} == {
        "read": (1, 1.5),
        "price": (1, 1.5),
    }


def test_what_a_reader_never_foresaw_is_a_record_all_the_same(steps: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("never foreseen")

    monkeypatch.setattr(module, "read_exchange", broken)
    record = steps.run(closed())
    assert "never foreseen" in record.attributes["spanmeter.note"]
    assert steps.counts["read"].failures == 1


def test_an_open_exchange_of_the_dead_is_interrupted(steps: Pipeline) -> None:
    opened = Envelope(kind=Kind.OPEN, project_id=1, received_ns=1, id=identity(), exchange=exchange())
    assert steps.run(opened, interrupted=True).status == "interrupted"
