"""What answers mean, what becomes of a body, and files that are not what they should be."""

from itertools import pairwise
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from spanmeter._delivery import Delivery
from spanmeter._encode import Body
from spanmeter._http import Answer, Verdict, read_answer, retry_after
from spanmeter._spool import Entry, FileSpool, MemorySpool

BODY = Body("traces", b"x" * 100, False, 3)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Sender:
    """Answers from a list; the last stays."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[Body] = []

    def send(self, body: Body, *, timeout: float | None = None) -> Answer:
        self.sent.append(body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after("7", now=0) == 7
    assert retry_after("Thu, 01 Jan 1970 00:01:40 GMT", now=40) == 60
    assert retry_after("Thu, 01 Jan 1970 00:00:00 GMT", now=40) == 0
    assert retry_after("99999999", now=0) == 3600
    for nonsense in (None, "", "soon", "nan", "Thu, 99 Jan"):
        assert retry_after(nonsense, now=0) is None


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "delivered"), (202, "delivered"), (301, "refused"), (400, "refused"), (401, "refused"), (404, "refused"),
        (408, "later"), (413, "refused"), (429, "later"), (500, "later"), (501, "refused"), (503, "later"),
        (507, "later"),
    ],
)  # fmt: skip
def test_every_status_has_a_verdict(status: int, verdict: str) -> None:
    assert read_answer(status, b"words", signal="traces").verdict == verdict


def test_partial_success_whole_and_truncated() -> None:
    said = ExportLogsServiceResponse()
    said.partial_success.rejected_log_records = 2
    said.partial_success.error_message = "two were empty"
    whole = said.SerializeToString()
    assert read_answer(200, whole, signal="logs") == Answer(Verdict.DELIVERED, 200, rejected=2, detail="two were empty")
    for end in range(len(whole)):
        assert read_answer(200, whole[:end], signal="logs").verdict is Verdict.DELIVERED
    assert read_answer(200, b"<html>", signal="traces").rejected == 0


def test_waits_grow_with_every_failure_and_begin_again_after_a_success() -> None:
    clock = Clock()
    sender = Sender(Answer(Verdict.LATER))
    delivery = Delivery(sender=sender, spool=MemorySpool(most_bytes=10_000), clock=clock, rng=lambda: 1.0)
    tries = []
    for _ in range(200):
        before = len(sender.sent)
        delivery.drain(until=clock.now + 1) if delivery.backlog else None
        if len(sender.sent) == before and not delivery.away:
            delivery.deliver(BODY)
        if len(sender.sent) > before:
            tries.append(clock.now)
        clock.now += 1
    assert tries[:6] == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0]
    assert max(later - earlier for earlier, later in pairwise(tries)) == 60
    sender.answers = [Answer(Verdict.DELIVERED, 200)]
    delivery.try_now()
    assert delivery.drain(until=clock.now + 1)
    assert (delivery.delivered, delivery.waiting(), sum(delivery.dropped.values())) == (3, 0, 0)


def test_a_slice_of_time_ends_delivering() -> None:
    clock = Clock()
    spool = MemorySpool(most_bytes=10_000)
    for _ in range(5):
        spool.keep(BODY)

    class Slow(Sender):
        def send(self, body: Body, *, timeout: float | None = None) -> Answer:
            clock.now += 1
            return super().send(body, timeout=timeout)

    delivery = Delivery(sender=Slow(Answer(Verdict.DELIVERED, 200)), spool=spool, clock=clock)
    assert not delivery.drain(until=2.0)
    assert (delivery.delivered, delivery.waiting()) == (6, 9)


def test_one_delivers_at_a_time(tmp_path: Path) -> None:
    one, other = FileSpool(tmp_path, most_bytes=1000), FileSpool(tmp_path, most_bytes=1000)
    with one.delivering() as first, other.delivering() as second:
        assert (first, second) == (True, False)
    with other.delivering() as second:
        assert second


def test_files_of_others_and_half_files_are_not_delivered(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path, most_bytes=10_000, now_ns=lambda: 5 * 10**18)
    (tmp_path / "notes.txt").write_text("mine")
    half = tmp_path / ".00000000000000000001-1-1.1.traces.pb"
    half.write_bytes(b"ha")
    assert spool.keep(BODY)
    (entry,) = spool.waiting()
    assert entry.records == 3
    assert spool.read(entry) == BODY
    with spool.delivering():
        assert not half.exists(), "its writer died an hour ago"
    assert (tmp_path / "notes.txt").exists()
    spool.remove(entry)
    spool.remove(entry)
    assert spool.read(entry) is None
    assert spool.read(Entry("../../etc/passwd", 1)) is None


def test_a_full_disk_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = FileSpool(tmp_path, most_bytes=10_000)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert not spool.keep(BODY)
    assert list(tmp_path.iterdir()) == []
