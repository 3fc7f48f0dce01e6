"""A child's output: everything to a bounded file, what matters to the terminal. Knows lines, not who wrote them."""

import re
from pathlib import Path
from typing import BinaryIO

__all__ = ["Lines", "RotatingLog", "Severity"]

_LEVEL = re.compile(
    rb'\b(WARNING|ERROR|CRITICAL|FATAL)\b|\[(?:warning|error|critical) *\]|"level": ?"(?:warning|error|critical)"'
)
_OTHER_LEVEL = re.compile(rb'\b(DEBUG|INFO|NOTICE)\b|\[(?:debug|info) *\]|"level": ?"(?:debug|info)"')


class Lines:
    """Bytes in, whole lines out. A line longer than the bound comes in pieces, so that memory stays bounded."""

    def __init__(self, most: int = 32 * 1024) -> None:
        self._most = most
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that this piece completes, without their ends."""
        *lines, rest = (self._rest + data).split(b"\n")
        while len(rest) > self._most:
            lines.append(rest[: self._most])
            rest = rest[self._most :]
        self._rest = rest
        return lines

    def end(self) -> list[bytes]:
        """Return what was left without a line end."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


class Severity:
    """Decides line by line what is worth a person's attention: WARNING and above, and the whole of a traceback."""

    def __init__(self) -> None:
        self._traceback = False
        self._loud = False

    def is_loud(self, line: bytes) -> bool:
        """Whether this line goes to the terminal."""
        if line.startswith(b"Traceback (most recent call last)"):
            self._traceback = self._loud = True
        elif self._traceback:
            self._traceback = line.startswith((b" ", b"\t")) or not line.strip()
        elif _LEVEL.search(line[:400]):
            self._loud = True
        elif _OTHER_LEVEL.search(line[:400]) or not line.startswith((b" ", b"\t")):
            self._loud = False
        return self._loud


class RotatingLog:
    """`<name>.log`, and `<name>.log.1` … `.<keep>` for what was written before."""

    def __init__(self, path: Path, *, most: int = 8 * 1024 * 1024, keep: int = 2) -> None:
        self._path = path
        self._most = most
        self._keep = keep
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._size = self._file.tell()

    def write(self, line: bytes) -> None:
        """Append one line. A full disk loses the line, never the process."""
        if self._size > self._most:
            self._rotate()
        try:
            self._size += self._file.write(line + b"\n")
        except OSError:
            self._size += 0

    def tail(self, lines: int) -> list[bytes]:
        """Return the last lines of the current file."""
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, self._path.stat().st_size - 16 * 1024))
                return file.read().splitlines()[-lines:]
        except OSError:
            return []

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            if newer.exists():
                newer.replace(older)
        self._file = self._path.open("ab", buffering=0)
        self._size = 0
