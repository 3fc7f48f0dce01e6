"""How a score is written, and how its course is drawn small. Pure."""

from collections.abc import Sequence

from apps.ui.format import DASH, number_text, percent_text

__all__ = ["SPARK_HEIGHT", "SPARK_WIDTH", "range_words", "spark_path", "verdict_words"]

SPARK_WIDTH, SPARK_HEIGHT = 120, 24
_EDGE = 2


def verdict_words(value: float | None, data_type: str) -> str:
    """A mean: of booleans the share that is true."""
    return percent_text(value) if data_type == "boolean" else number_text(value)


def range_words(least: float | None, most: float | None, data_type: str) -> str:
    """0.12 to 0.98; nothing for booleans, of which both ends are known."""
    if least is None or most is None or data_type == "boolean":
        return DASH
    return number_text(least) if least == most else f"{number_text(least)} to {number_text(most)}"


def spark_path(values: Sequence[float | None]) -> str:
    """An SVG path through the values, broken where one is missing; a lone value is a dot. Empty when none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    step = (SPARK_WIDTH - 2 * _EDGE) / max(1, len(values) - 1)
    parts, drawing = [], False
    for at, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        x, y = _EDGE + at * step, SPARK_HEIGHT - _EDGE - share * (SPARK_HEIGHT - 2 * _EDGE)
        parts.append(f"L{x:.1f} {y:.1f}" if drawing else f"M{x:.1f} {y:.1f}h.01")
        drawing = True
    return "".join(parts)
