"""What reaches the log file and the terminal, piece by piece."""

from pathlib import Path

import pytest

from apps.config.up.logs import Lines, RotatingLog, Severity

TEXT = b"one\ntwo is longer\n\nfour"


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(TEXT)])
def test_lines_are_the_same_however_they_arrive(size: int) -> None:
    """Byte by byte or at once."""
    lines = Lines()
    found = [line for at in range(0, len(TEXT), size) for line in lines.feed(TEXT[at : at + size])]
    assert [*found, *lines.end()] == [b"one", b"two is longer", b"", b"four"]
    assert lines.end() == []


def test_a_line_without_end_stays_within_the_bound() -> None:
    """A child that prints a gigabyte without a line end does not fill our memory."""
    lines = Lines(most=10)
    assert lines.feed(b"x" * 25) == [b"x" * 10, b"x" * 10]
    assert lines.end() == [b"x" * 5]


def test_the_log_is_bounded(tmp_path: Path) -> None:
    """The current file and two older ones, each a little over the bound at most."""
    log = RotatingLog(tmp_path / "web.log", most=100, keep=2)
    for number in range(100):
        log.write(b"line %03d padded to some length" % number)
    assert log.tail(1) == [b"line 099 padded to some length"]
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["web.log", "web.log.1", "web.log.2"]
    assert all(path.stat().st_size < 200 for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "loud"),
    [
        (b"2026-11-22 10:00:00 WARNING gateway the spool is nearly full", True),
        (b"2026-11-22T10:00:00Z [warning  ] Not Found: /x", True),
        (b'{"level":"error","event":"boom"}', True),
        (b"[2026-11-22 10:00:00 +0000] [12] [ERROR] Worker failed", True),
        (b"2026-11-22T10:00:00Z [info     ] errors=0 warnings=0", False),
        (b"GET /errors HTTP/1.1 200", False),
    ],
)
def test_warnings_and_worse_are_loud(line: bytes, loud: bool) -> None:
    """By the level that the usual formats print."""
    assert Severity().is_loud(line) is loud
