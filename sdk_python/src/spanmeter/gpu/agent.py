"""The agent's turn: ask every source, make one body of what they say, hand it on. Holds no socket and no file.

A source that fails takes nothing with it: its points are missing, and that it failed is a point of its own.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Protocol

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.otlp import Starts, request
from spanmeter.gpu.point import Point
from spanmeter.gpu.source import Source, SourceFailed

__all__ = ["Agent", "Takes"]

log = logging.getLogger("spanmeter.gpu")


class Takes(Protocol):
    """Where bodies go."""

    def take(self, content: bytes, points: int) -> None:
        """Send it, or keep it until it can be sent."""

    def send_waiting(self) -> None:
        """Send what waits, for a while."""


class Agent:
    """Reads its sources, again and again."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        takes: Takes,
        resource: Mapping[str, str],
        clock_ns: Callable[[], int],
        version: str = "",
    ) -> None:
        self._sources = sources
        self._takes = takes
        self._resource = resource
        self._clock_ns = clock_ns
        self._version = version
        self._starts = Starts()
        self._failing: dict[tuple[str, str], str] = {}

    def run(self, stop: Event, *, every: float) -> None:
        """Work until told to stop. A turn that took longer than `every` is followed by the next at once."""
        while True:
            began = self._clock_ns()
            self.turn()
            self._takes.send_waiting()
            if stop.wait(max(0.0, every - max(0, self._clock_ns() - began) / 1e9)):
                return

    def turn(self) -> int:
        """Read every source once; returns the number of points."""
        points = [point for source in self._sources for point in self._ask(source)]
        if points:
            body = request(
                points,
                resource=self._resource,
                now_ns=self._clock_ns(),
                starts=self._starts,
                version=self._version,
            )
            self._takes.take(body, len(points))
        return len(points)

    def _ask(self, source: Source) -> list[Point]:
        key = (source.name, source.place)
        attributes = {"spanmeter.agent.source": source.name, "spanmeter.agent.place": source.place}
        try:
            found = list(source.read())
        except SourceFailed as error:
            if self._failing.get(key) != str(error):
                log.warning("%s (%s): %s", source.name, source.place, error)
            self._failing[key] = str(error)
            return [Point(name=names.SOURCE_UP, value=0, unit="1", attributes=attributes)]
        if self._failing.pop(key, None) is not None:
            log.warning("%s (%s): answers again", source.name, source.place)
        return [*found, Point(name=names.SOURCE_UP, value=1, unit="1", attributes=attributes)]
