"""One data point of any kind → its numbers: a suffix to the metric's name, the labels it adds, a value. Pure.

Buckets are kept as Prometheus shows them: `le` is the upper bound, and a count holds all that is below it. So a
quantile is read from differences, and buckets of several servers add up.
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

__all__ = ["MOST_BUCKETS", "Number", "WrongPoint", "exponential_numbers", "histogram_numbers", "summary_numbers"]

MOST_BUCKETS = 1000

Number = tuple[str, str, str, float]  # suffix, label, the label's value, value


class WrongPoint(ValueError):  # noqa: N818 - says what the point is
    """The point contradicts itself; the message says how."""


def histogram_numbers(point: Any) -> Iterator[Number]:
    """Count, sum where there is one, buckets."""
    counts, bounds = point.bucket_counts, point.explicit_bounds
    if counts and len(counts) != len(bounds) + 1:
        raise WrongPoint(f"{len(counts)} bucket counts for {len(bounds)} bounds: expected one more than bounds")
    yield from _count_and_sum(point)
    labels = [*map(_bound, bounds), "+Inf"]
    for label, count in zip(labels, accumulate(counts), strict=False):
        yield ".bucket", "le", label, float(count)


def exponential_numbers(point: Any) -> Iterator[Number]:
    """Count, sum where there is one, buckets: negative ones, the one around zero, positive ones."""
    yield from _count_and_sum(point)
    negative, positive = point.negative, point.positive
    pairs: list[tuple[str, int]] = [
        (_bound(-_power(point.scale, negative.offset + place)), count)
        for place, count in reversed(list(enumerate(negative.bucket_counts)))
    ]
    pairs.append((_bound(point.zero_threshold), point.zero_count))
    pairs += [
        (_bound(_power(point.scale, positive.offset + place + 1)), count)
        for place, count in enumerate(positive.bucket_counts)
    ]
    seen = 0
    for label, count in pairs:
        seen += count
        yield ".bucket", "le", label, float(seen)


def summary_numbers(point: Any) -> Iterator[Number]:
    """Count, sum, quantiles."""
    yield ".count", "", "", float(point.count)
    yield ".sum", "", "", point.sum
    for value in point.quantile_values:
        yield "", "quantile", _bound(value.quantile), value.value


def _count_and_sum(point: Any) -> Iterator[Number]:
    yield ".count", "", "", float(point.count)
    if point.HasField("sum"):
        yield ".sum", "", "", point.sum


def _power(scale: int, index: int) -> float:
    try:
        return float(2.0 ** (index * 2.0**-scale))
    except OverflowError:
        return float("inf")


def _bound(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.15g}"
