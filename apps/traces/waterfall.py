"""Times → places on a line, as the percentages that SVG attributes take. Pure; knows nothing of spans' content."""

from dataclasses import dataclass
from datetime import datetime
from math import floor, log10

from apps.ui.format import duration_text

__all__ = ["Bar", "Scale", "Tick", "bar_of", "scale_of"]

_LEAST_WIDTH = 0.6  # percent: a bar thinner than this cannot be seen


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis. `anchor` keeps the label inside the drawing."""

    x: str
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Scale:
    """From when to when the line goes (seconds in `length`), and its marks."""

    start: datetime
    length: float
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One span's bar; `wait` is the width of the part before the first token, empty when unknown."""

    x: str
    width: str
    wait: str = ""


def scale_of(spans: list[tuple[datetime, datetime]]) -> Scale | None:
    """Return the scale that holds every (start, end), or None for no spans."""
    if not spans:
        return None
    start = min(start for start, _ in spans)
    length = max(0.0, (max(max(begin, end) for begin, end in spans) - start).total_seconds())
    return Scale(start=start, length=length, ticks=_ticks(length))


def bar_of(scale: Scale, *, start: datetime, seconds: float, ttft: float | None = None) -> Bar:
    """Return where the span lies; it never leaves the line, and never vanishes."""
    if scale.length <= 0:
        return Bar(x="0%", width="100%")
    x = min(100 - _LEAST_WIDTH, max(0.0, (start - scale.start).total_seconds() / scale.length * 100))
    width = min(100 - x, max(_LEAST_WIDTH, max(0.0, seconds) / scale.length * 100))
    wait = ""
    if ttft is not None and 0 < ttft <= seconds:
        wait = _percent(width * ttft / seconds)
    return Bar(x=_percent(x), width=_percent(width), wait=wait)


def _ticks(length: float) -> tuple[Tick, ...]:
    if length <= 0:
        return ()
    rough = length / 3
    power = 10.0 ** floor(log10(rough))
    step = next((power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough), power * 10)
    marks: list[Tick] = []
    for index in range(int(length / step + 1e-9) + 1):
        share = index * step / length * 100
        anchor = "start" if share < 2 else "end" if share > 90 else "middle"
        marks.append(Tick(x=_percent(share), label=_label(index * step), anchor=anchor))
    return tuple(marks)


def _label(seconds: float) -> str:
    if seconds == 0:
        return "0"
    text = duration_text(seconds)
    number, _, unit = text.partition(" ")
    return (
        f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}" if unit in {"ms", "s", "µs"} else text
    )


def _percent(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"
