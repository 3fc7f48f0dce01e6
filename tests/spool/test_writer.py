"""The spool's write side: what append says stands in the file, whatever the disk does, and losses are told once."""

import errno
import os
import subprocess
import sys

import pytest

from ingestion.envelope import Envelope, Kind, encode, encode_varint
from ingestion.envelope.decode import decode
from ingestion.spool import layout, tally
from ingestion.spool import writer as writer_module
from ingestion.spool.segment import Soundness, walk
from ingestion.spool.writer import SpoolWriter

MEBIBYTE = 1024 * 1024


def parts(number, size=100):
    message = encode(Envelope(kind=Kind.TRACES, project_id=number, id=bytes(16), otlp=bytes(size)))
    return [encode_varint(len(message)), message[:9], message[9:]]


def read(spool):
    """Everything in the spool, in order, as envelopes; fails on anything unsound."""
    found = []
    for name in layout.writers(spool):
        for segment in layout.segments(spool / name):
            content = segment.path.read_bytes()
            end = 0
            for frame in walk(content):
                assert frame.soundness is Soundness.SOUND
                found.append(decode(frame.message))
                end = frame.end
            assert end == len(content), "a torn tail"
    return found


def numbers(spool):
    return [envelope.project_id for envelope in read(spool)]


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(tmp_path, clock):
    made = []

    def build(**options):
        values = {"total_bytes": MEBIBYTE, "segment_bytes": 64 * 1024, "clock": clock} | options
        made.append(SpoolWriter(tmp_path / "spool", **values))
        return made[-1]

    yield build
    for one in made:
        one.close()


def test_appended_frames_are_in_the_file_before_append_returns(make):
    writer = make()
    assert writer.append([parts(1), parts(2)]) == 2
    assert writer.append([parts(3, size=200_000)]) == 1
    assert numbers(writer.spool) == [1, 2, 3]
    assert writer.total == layout.spool_bytes(writer.spool)


def test_a_segment_is_sealed_by_the_next_when_it_would_grow_too_large(make):
    writer = make(segment_bytes=4096)
    for number in range(1, 11):
        writer.append([parts(number, size=1500)])
    segments = layout.segments(writer.directory)
    assert len(segments) == 5
    assert all(segment.size <= 4096 for segment in segments)
    assert numbers(writer.spool) == list(range(1, 11))


def test_an_old_segment_is_sealed_so_that_it_can_be_deleted(make, clock):
    writer = make(segment_age=30)
    writer.append([parts(1)])
    writer.tick()
    assert len(layout.segments(writer.directory)) == 1
    clock.now += 31
    writer.tick()
    assert [segment.size > 0 for segment in layout.segments(writer.directory)] == [True, False]
    clock.now += 31
    writer.tick()  # an empty segment is not sealed again and again
    assert len(layout.segments(writer.directory)) == 2


def test_many_vectors_go_out_whole(make):
    writer = make(total_bytes=64 * MEBIBYTE)
    group = [parts(number, size=300) for number in range(1, 1500)]
    assert writer.append(group) == len(group)
    assert numbers(writer.spool) == list(range(1, 1500))


def test_short_writes_are_continued(make, monkeypatch):
    writer = make()
    real_write, real_writev = os.write, os.writev
    monkeypatch.setattr(writer_module.os, "write", lambda fd, data: real_write(fd, data[:7]))
    monkeypatch.setattr(writer_module.os, "writev", lambda fd, vectors: real_writev(fd, [bytes(vectors[0])[:11]]))
    assert writer.append([parts(1), parts(2, size=1000)]) == 2
    assert numbers(writer.spool) == [1, 2]


class FullDisk:
    """A disk with so many bytes left, seen through os.write and os.writev."""

    def __init__(self, monkeypatch, left):
        self.left = left
        self.real = os.write
        monkeypatch.setattr(writer_module.os, "write", self.write)
        monkeypatch.setattr(writer_module.os, "writev", lambda fd, vectors: self.write(fd, b"".join(vectors)))

    def write(self, fd, data):
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.real(fd, data[: self.left])
        self.left -= written
        return written


@pytest.mark.parametrize("left", [0, 1, 150, 200, 299, 300, 301])
def test_a_full_disk_leaves_whole_frames_only_and_says_which(make, monkeypatch, clock, left):
    writer = make()
    disk = FullDisk(monkeypatch, left)
    group = [parts(number) for number in (1, 2, 3)]
    size = sum(map(len, group[0]))
    kept = writer.append(group)
    assert kept == min(3, left // size)
    assert writer.refusal == "disk_full"
    assert numbers(writer.spool) == [1, 2, 3][:kept]

    assert writer.append([parts(4)]) == 0, "the disk is left in peace for a while"
    assert not writer.has_room(1)
    disk.left = 10_000
    clock.now += 1.1
    assert writer.append([parts(5)]) == 1, "and tried again without a restart"
    assert writer.refusal == ""
    assert numbers(writer.spool) == [*[1, 2, 3][:kept], 5]


def test_the_bound_counts_every_writer_and_recovers_when_ingest_deletes(make, clock, tmp_path):
    other = make()
    other.append([parts(1, size=60_000)])
    writer = make(total_bytes=100_000)
    assert writer.append([parts(2, size=30_000), parts(3, size=30_000)]) == 1
    assert writer.refusal == "spool_full"
    assert sorted(numbers(tmp_path / "spool")) == [1, 2]
    layout.segments(other.directory)[0].path.unlink()
    clock.now += 1.1
    assert writer.append([parts(4, size=30_000)]) == 1


def test_a_writer_is_alive_until_its_process_is_not(tmp_path):
    script = (
        "import sys, pathlib; from ingestion.spool.writer import SpoolWriter\n"
        "w = SpoolWriter(pathlib.Path(sys.argv[1]), total_bytes=10**6, segment_bytes=4096)\n"
        "w.tally.count(7, 'spool_full', now_ns=5); w.tally.count(7, 'spool_full', now_ns=6)\n"
        "w.tally.count(8, 'disk_full', now_ns=6)\n"
        "print(w.name, flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        directory = tmp_path / child.stdout.readline().strip()
        assert layout.writer_alive(directory)
        assert layout.writer_alive(directory), "asking does not disturb"
        child.kill()
        child.wait()
    assert not layout.writer_alive(directory)

    # What the killed one could not record is told once, by the next.
    for _ in range(2):
        writer = SpoolWriter(tmp_path, total_bytes=MEBIBYTE, segment_bytes=4096)
        writer.tick()
        writer.tick()
        writer.close()
    told = [(one.kind, one.project_id, one.loss_reason, one.records, one.received_ns) for one in read(tmp_path)]
    assert told == [(Kind.LOSS, 7, "spool_full", 2, 5), (Kind.LOSS, 8, "disk_full", 1, 6)]
    assert not (directory / tally.PAGE).exists()


def test_losses_are_told_when_the_disk_is_well_again(make, clock, monkeypatch):
    writer = make()
    disk = FullDisk(monkeypatch, 0)
    assert writer.append([parts(1)]) == 0
    writer.tally.count(1, writer.refusal, now_ns=99)
    clock.now += 1.1
    monkeypatch.setattr(tally.os, "write", disk.write)
    writer.tick()
    assert read(writer.spool) == []
    assert writer.tally.records == 1, "still full, still counted"
    disk.left = 10_000
    clock.now += 1.1
    writer.tick()
    assert [(one.records, one.loss_reason) for one in read(writer.spool)] == [(1, "disk_full")]
    assert writer.append([parts(2)]) == 1
    writer.tally.count(1, "spool_full", now_ns=100)
    writer.tick()
    assert [(one.kind, one.records) for one in read(writer.spool)] == [
        (Kind.LOSS, 1),
        (Kind.TRACES, 0),
        (Kind.LOSS, 1),
    ]


@pytest.mark.parametrize("die_before", ["rename", "unlink"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_kill_between_any_two_steps_of_telling_neither_loses_nor_doubles(tmp_path, monkeypatch, die_before, nth):
    """Rename 1 is the decision, rename 2 the new segment; unlink is the end."""
    spool = tmp_path / "spool"
    writer = SpoolWriter(spool, total_bytes=MEBIBYTE, segment_bytes=4096)
    writer.tally.count(3, "disk_full", now_ns=1, records=4)

    class KilledError(BaseException):
        pass

    calls = 0
    real = getattr(tally.Path, die_before)

    def step(self, *args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == nth:
            raise KilledError
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(tally.Path, die_before, step)
        if die_before == "unlink" and nth == 2:
            writer.tick()
        else:
            with pytest.raises(KilledError):
                writer.tick()
    os.close(writer._lock)  # the kernel would, at a kill
    following = SpoolWriter(spool, total_bytes=MEBIBYTE, segment_bytes=4096)
    following.tick()
    following.close()
    assert [(one.project_id, one.records) for one in read(spool)] == [(3, 4)]


def test_counting_needs_no_room_on_the_disk(make, monkeypatch):
    writer = make()

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer_module.os, "write", refuse)
    for project in range(5000):
        writer.tally.count(project, "disk_full", now_ns=1)
    losses = writer.tally.losses()
    assert sum(loss.records for loss in losses) == 5000
    assert max(losses, key=lambda loss: loss.records).project_id == 0, (
        "projects beyond the page's slots are counted together"
    )


def test_no_page_is_no_reason_not_to_run(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tally.os, "posix_fallocate", refuse)
    writer = SpoolWriter(tmp_path, total_bytes=MEBIBYTE, segment_bytes=4096)
    assert not writer.tally.durable
    writer.tally.count(1, "disk_full", now_ns=1)
    writer.tick()
    writer.close()
    assert [one.records for one in read(tmp_path)] == [1]


def test_a_writer_that_never_wrote_leaves_nothing(make):
    writer = make()
    writer.close()
    assert list(writer.spool.iterdir()) == []


def test_sync_closes_sealed_segments(make):
    writer = make(segment_bytes=4096)
    for number in range(1, 30):
        writer.append([parts(number, size=1500)])
    before = len(os.listdir("/proc/self/fd"))
    writer.sync()
    assert len(os.listdir("/proc/self/fd")) < before - 10
    assert writer.append([parts(30)]) == 1
