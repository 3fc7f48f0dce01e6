"""The Prometheus text format, bytes in, samples out. Pure: no network, no meaning of a name.

Strict about lines and forgiving about pages: a line that is not of the format is skipped and counted, and its
neighbours stand. A page that was cut off loses its last line only, because half a number is also a number.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["LARGEST_PAGE", "Page", "Sample", "parse"]

LARGEST_PAGE = 10 * 1024 * 1024
_MOST_SAMPLES = 200_000
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\["\\n])*)"\s*')
_VALUE = re.compile(
    r"\s+([+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[iI]nf|[nN]a[nN]))"
    r"(?:\s+-?[0-9.]+)?(?:\s+#.*)?\s*"
)
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: a name, its labels, a finite or infinite number (never NaN)."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Page:
    """What a page held. `malformed` lines were skipped; `nan` lines said that they have no value."""

    samples: tuple[Sample, ...]
    malformed: int = 0
    nan: int = 0
    cut_off: bool = False

    def named(self, name: str) -> Iterator[Sample]:
        """Samples of this name, in their order."""
        return (sample for sample in self.samples if sample.name == name)


def parse(content: bytes, *, complete: bool = True) -> Page:
    """Read a page. Not `complete`: it was cut off somewhere, so a last line without its end is not believed."""
    text = content[:LARGEST_PAGE].decode("utf-8", "replace")
    cut_off = not complete or len(content) > LARGEST_PAGE
    lines = text.split("\n")
    last = lines.pop()
    # The format ends every line; a last line without its end was cut, or its writer is careless. Not worth a guess.
    malformed = 1 if last.strip() else 0
    cut_off = cut_off or bool(last.strip())
    samples: list[Sample] = []
    nan = 0
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        sample = _sample(stripped)
        if sample is None or len(samples) >= _MOST_SAMPLES:
            malformed += 1
        elif math.isnan(sample.value):
            nan += 1
        else:
            samples.append(sample)
    return Page(tuple(samples), malformed, nan, cut_off)


def _sample(line: str) -> Sample | None:
    name = _NAME.match(line)
    if name is None:
        return None
    at = name.end()
    labels: dict[str, str] = {}
    if line[at : at + 1] == "{":
        at += 1
        while line[at : at + 1] != "}":
            label = _LABEL.match(line, at)
            if label is None or label[1] in labels:
                return None
            labels[label[1]] = re.sub(r"\\.", lambda found: _ESCAPES[found[0]], label[2])
            at = label.end()
            if line[at : at + 1] == ",":
                at += 1
            elif line[at : at + 1] != "}":
                return None
        at += 1
        line = line[:at] + " " + line[at:]
    value = _VALUE.fullmatch(line, at)
    return Sample(name[0], labels, float(value[1])) if value else None
