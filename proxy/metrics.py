"""The gateway's own numbers, as Prometheus text. Plain integers on the hot path; the text is made when asked for."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ingestion.envelope import Outcome

__all__ = ["Metrics"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """Counters and one histogram."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()  # (route, status)
        self.outcomes = [0] * len(Outcome)
        self.unrecorded: Counter[str] = Counter()  # by reason
        self.records: Counter[str] = Counter()  # OTLP records taken, by signal
        self.refused_keys = 0
        self.in_flight = 0
        self.connections = 0
        self._buckets = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0

    def numbers(self) -> dict[str, Any]:
        """Return everything as values that JSON can hold."""
        return {
            "requests": [[route, status, count] for (route, status), count in self.requests.items()],
            "outcomes": self.outcomes,
            "unrecorded": dict(self.unrecorded),
            "records": dict(self.records),
            "refused_keys": self.refused_keys,
            "buckets": self._buckets,
            "seconds": self._seconds,
            "gauges": [self.in_flight, self.connections],
        }

    def add(self, numbers: Mapping[str, Any], *, gauges: bool) -> None:
        """Add what `numbers` returned somewhere; without `gauges` only what counts up."""
        for route, status, count in numbers["requests"]:
            self.requests[route, status] += count
        self.unrecorded.update(numbers["unrecorded"])
        self.records.update(numbers["records"])
        self.refused_keys += numbers["refused_keys"]
        self.outcomes = [own + other for own, other in zip(self.outcomes, numbers["outcomes"], strict=True)]
        self._buckets = [own + other for own, other in zip(self._buckets, numbers["buckets"], strict=True)]
        self._seconds += numbers["seconds"]
        if gauges:
            self.in_flight += numbers["gauges"][0]
            self.connections += numbers["gauges"][1]

    def observe(self, seconds: float) -> None:
        """Add one time to the first byte of an upstream's answer."""
        self._buckets[bisect_left(_BUCKETS, seconds)] += 1
        self._seconds += seconds

    def text(self, *, spooled_bytes: int, spool_full: bool, keys_age: float) -> bytes:
        """Return the page."""
        lines: list[str] = []

        def family(name: str, kind: str, meaning: str, samples: list[tuple[str, float]]) -> None:
            lines.append(f"# HELP spanmeter_gateway_{name} {meaning}\n# TYPE spanmeter_gateway_{name} {kind}")
            lines.extend(f"spanmeter_gateway_{name}{labels} {value}" for labels, value in samples)

        family(
            "requests_total",
            "counter",
            "Answered requests by route and status.",
            [(f'{{route="{route}",status="{status}"}}', count) for (route, status), count in self.requests.items()],
        )
        family(
            "exchanges_total",
            "counter",
            "Exchanges with providers by how they ended.",
            [
                (f'{{outcome="{outcome.name.lower()}"}}', count)
                for outcome in Outcome
                if (count := self.outcomes[outcome])
            ],
        )
        family(
            "unrecorded_total",
            "counter",
            "Exchanges that passed through unrecorded, by reason.",
            [(f'{{reason="{reason}"}}', count) for reason, count in self.unrecorded.items()],
        )
        family(
            "records_total",
            "counter",
            "OTLP records taken, by signal.",
            [(f'{{signal="{signal}"}}', count) for signal, count in self.records.items()],
        )
        for name, kind, meaning, value in (
            ("refused_keys_total", "counter", "Requests with a missing or unknown key.", self.refused_keys),
            ("in_flight", "gauge", "Exchanges with providers under way.", self.in_flight),
            ("connections", "gauge", "Client connections.", self.connections),
            ("spooled_bytes", "gauge", "Bytes in the spool.", spooled_bytes),
            ("spool_full", "gauge", "1 while the spool refuses records.", int(spool_full)),
            ("keys_age_seconds", "gauge", "Seconds since the keys were last read from the database.", keys_age),
        ):
            family(name, kind, meaning, [("", value)])
        family("upstream_first_byte_seconds", "histogram", "Time to the first byte of an upstream's answer.", [])
        cumulative = 0
        for bound, count in zip((*_BUCKETS, "+Inf"), self._buckets, strict=True):
            cumulative += count
            lines.append(f'spanmeter_gateway_upstream_first_byte_seconds_bucket{{le="{bound}"}} {cumulative}')
        lines.append(f"spanmeter_gateway_upstream_first_byte_seconds_sum {self._seconds:.6f}")
        lines.append(f"spanmeter_gateway_upstream_first_byte_seconds_count {cumulative}\n")
        return "\n".join(lines).encode()
