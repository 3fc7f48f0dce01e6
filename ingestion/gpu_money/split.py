"""Dividing the bill of a window among requests, idle time and cold starts. Pure, exact, and linear but for a sort.

At every moment the money goes somewhere: to cold start while the server loads; else to the requests in flight, each
by its rate of tokens; else to idle. A request whose tokens are not known takes part with the mean rate of the others
beside it, and its share says so. Times are whole nanoseconds and weights whole numbers: nothing is rounded before the
last step, which gives every share its money in steps of a billionth and the left-over steps to the largest remainders,
so the parts are the bill.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Interval", "Request", "Share", "Split", "split"]

_STEPS = 10**9  # per unit of the currency
_SCALE = 1 << 80


@dataclass(frozen=True, slots=True)
class Interval:
    """Half open, in Unix nanoseconds."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Request:
    """One call to the model. `tokens`, in and out together, is None when nobody knows."""

    id: str
    start_ns: int
    end_ns: int
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """What one request pays. `basis`: by its tokens, or by its time when they are not known."""

    id: str
    cost: Decimal
    busy_ns: int
    basis: str


@dataclass(frozen=True, slots=True)
class Split:
    """A bill in its parts. The nanoseconds say how long each was so."""

    bill: Decimal
    requests: tuple[Share, ...]
    idle: Decimal
    cold_start: Decimal
    busy_ns: int
    idle_ns: int
    cold_ns: int

    @property
    def busy(self) -> Decimal:
        """What all requests pay together."""
        return sum((share.cost for share in self.requests), Decimal(0))


@dataclass(slots=True)
class _Flight:
    """Who is in flight now. Rates are tokens per nanosecond, scaled to whole numbers."""

    rate: int = 0
    known: int = 0
    unknown: int = 0

    def change(self, rate: int | None, by: int) -> None:
        """A request begins (1) or ends (-1)."""
        if rate is None:
            self.unknown += by
        else:
            self.rate += rate * by
            self.known += by


def split(bill: Decimal, window: Interval, requests: Sequence[Request], cold: Sequence[Interval] = ()) -> Split:
    """Divide the bill of the window. What lies outside of it is on another bill."""
    length = window.end_ns - window.start_ns
    if length <= 0:
        raise ValueError(f"the window from {window.start_ns} to {window.end_ns} has no length")
    if bill < 0:
        raise ValueError(f"a bill of {bill} is no cost: expected 0 or more")
    inside = [(one, *found) for one in requests if (found := _clip(one.start_ns, one.end_ns, window)) is not None]
    loading = _merged([found for one in cold if (found := _clip(one.start_ns, one.end_ns, window)) is not None])
    rates = [_rate(request) for request, _, _ in inside]
    weights, times = _sweep(window, [(start, end) for _, start, end in inside], rates, loading)
    busy_ns, idle_ns, cold_ns = times
    amounts = _allot(bill, [busy_ns * _SCALE, idle_ns * _SCALE, cold_ns * _SCALE])
    costs = _allot(amounts[0], weights) if weights and busy_ns else [Decimal(0)] * len(inside)
    shares = tuple(
        Share(request.id, cost, end - start, "time" if rate is None else "tokens")
        for (request, start, end), cost, rate in zip(inside, costs, rates, strict=True)
    )
    return Split(bill, shares, amounts[1], amounts[2], busy_ns, idle_ns, cold_ns)


def _clip(start: int, end: int, window: Interval) -> tuple[int, int] | None:
    """A request of no length still happened: it gets one nanosecond."""
    first, last = max(start, window.start_ns), min(max(end, start + 1), window.end_ns)
    return (first, last) if first < last else None


def _rate(request: Request) -> int | None:
    if request.tokens is None or request.tokens <= 0:
        return None
    return request.tokens * _SCALE // max(1, request.end_ns - request.start_ns)


def _merged(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _sweep(
    window: Interval, spans: list[tuple[int, int]], rates: list[int | None], loading: list[tuple[int, int]]
) -> tuple[list[int], tuple[int, int, int]]:
    """Go through the window once. Returns a weight for each request, and how long it was busy, idle and cold.

    While the sets in flight do not change, money flows to a known request by rate / sum, so each keeps only where two
    running totals stood when it began: money per rate, and money per request of unknown rate.
    """
    events: list[tuple[int, int, int]] = [(window.end_ns, 2, 0)]
    for place, (start, end) in enumerate(spans):
        events += [(start, 1, place), (end, -1, place)]
    for start, end in loading:
        events += [(start, 3, 0), (end, -3, 0)]
    events.sort()
    weights = [0] * len(spans)
    began = [0] * len(spans)
    flight = _Flight()
    per_rate = per_head = 0
    busy = idle = cold = 0
    is_cold = False
    at = window.start_ns
    for moment, kind, place in events:
        gone = moment - at
        if gone:
            heads = flight.known + flight.unknown
            if is_cold:
                cold += gone
            elif not heads:
                idle += gone
            else:
                busy += gone
                per_head += gone * _SCALE // heads
                if flight.rate:  # those with known rates share known / heads of the money
                    per_rate += gone * _SCALE * _SCALE * flight.known // (flight.rate * heads)
            at = moment
        if kind in {3, -3}:
            is_cold = kind == 3
        elif kind in {1, -1}:
            rate = rates[place]
            total = per_head if rate is None else per_rate
            if kind == 1:
                began[place] = total
            else:
                gained = total - began[place]
                weights[place] = gained if rate is None else gained * rate // _SCALE
            flight.change(rate, kind)
    return weights, (busy, idle, cold)


def _allot(amount: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """Divide an amount by weights in steps of a billionth; the parts are the amount, to the last digit."""
    total = sum(weights)
    if not total:
        return [Decimal(0)] * len(weights)
    step = Decimal(1) / _STEPS
    steps = int(amount / step)
    rest = amount - steps * step  # of a finer amount: smaller than one step, and nobody's but the largest's
    parts = [steps * weight // total for weight in weights]
    left = steps - sum(parts)
    order = sorted(range(len(weights)), key=lambda place: (-(steps * weights[place] % total), place))
    for place in order[:left]:
        parts[place] += 1
    costs = [part * step for part in parts]
    if rest:
        heaviest = max(range(len(weights)), key=lambda place: weights[place])
        costs[heaviest] += rest
    return costs
