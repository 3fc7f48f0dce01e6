"""What happens to a body: sent, kept for later, or dropped with its reason. Every record ends in exactly one count.

Decides and counts; sending and keeping are done by whoever is passed in, and so is the time.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from spanmeter._encode import Body
from spanmeter._guard import faults
from spanmeter._http import Answer, Verdict
from spanmeter._spool import Entry, Spool

__all__ = ["Delivery", "Sends"]

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_MOST_SERVER_ERRORS = 5  # a body that the server stumbles over each time must not hold up the others for ever


class Sends(Protocol):
    """Sends a body."""

    def send(self, body: Body, *, timeout: float | None = None) -> Answer:
        """Send it and say what became of it."""


class Delivery:
    """The way of bodies to one gateway."""

    def __init__(
        self,
        *,
        sender: Sends,
        spool: Spool,
        clock: Callable[[], float],
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._sender = sender
        self._spool = spool
        self._clock = clock
        self._rng = rng
        self._away_until = 0.0
        self._failures = 0
        self._server_errors: Counter[str] = Counter()
        self._under_way: Body | None = None
        self._may_wait = True  # another process, before this one, may have left something
        self.delivered = 0
        self.dropped: Counter[str] = Counter()

    @property
    def away(self) -> bool:
        """Whether the server is known not to answer now."""
        return self._clock() < self._away_until

    @property
    def backlog(self) -> bool:
        """Whether something may wait in the spool."""
        return self._may_wait

    def deliver(self, body: Body, *, timeout: float | None = None) -> bool:
        """Send a new body, or keep it when the server is away; True when the server has it."""
        if not self.away:
            self._under_way = body
            answer = self._sender.send(body, timeout=timeout)
            self._under_way = None
            if answer.verdict is not Verdict.LATER:
                self._settle(answer, body.records)
                self._failures = 0
                return answer.verdict is Verdict.DELIVERED
            self._went_away(answer)
        self.keep(body)
        return False

    def keep(self, body: Body) -> None:
        """Keep a body for later; when there is no room, its records are dropped and counted."""
        if self._spool.keep(body):
            self._may_wait = True
        else:
            self._drop("no_room", body.records, "the network is away and the space for waiting records is full")

    def keep_under_way(self) -> None:
        """Keep what is being sent at this moment by a thread that will not live to see the answer."""
        body, self._under_way = self._under_way, None
        if body is not None:
            self.keep(body)

    def waiting(self) -> int:
        """Return how many records wait."""
        return sum(entry.records for entry in self._spool.waiting())

    def drain(self, *, until: float) -> bool:
        """Send what waits, oldest first, until the time given; True when nothing waits any more."""
        if not self._may_wait or self.away:
            return not self._may_wait
        with self._spool.delivering() as mine:
            if not mine:  # another process is at it
                return False
            for entry in self._spool.waiting():
                if self._clock() >= until:
                    return False
                if not self._send_kept(entry, until - self._clock()):
                    return False
            self._may_wait = bool(self._spool.waiting())
        return not self._may_wait

    def try_now(self) -> None:
        """Forget that the server was away: somebody waits for an attempt."""
        self._away_until = 0.0

    def look_again(self) -> None:
        """Another process may have left something behind."""
        self._may_wait = True

    def drop(self, reason: str, records: int, detail: str) -> None:
        """Count records that nobody will see."""
        self._drop(reason, records, detail)

    def _send_kept(self, entry: Entry, timeout: float) -> bool:
        body = self._spool.read(entry)
        if body is None:
            return True
        answer = self._sender.send(body, timeout=timeout)
        if answer.verdict is Verdict.LATER and not self._hopeless(entry, answer):
            self._went_away(answer)
            return False
        self._settle(answer, entry.records)
        self._failures = 0
        self._spool.remove(entry)
        self._server_errors.pop(entry.name, None)
        return True

    def _hopeless(self, entry: Entry, answer: Answer) -> bool:
        if answer.status == 500 or answer.status > 504:
            self._server_errors[entry.name] += 1
        return self._server_errors[entry.name] >= _MOST_SERVER_ERRORS

    def _went_away(self, answer: Answer) -> None:
        self._failures += 1
        longest = min(_FIRST_WAIT * 2 ** min(self._failures - 1, 16), _LONGEST_WAIT)
        wait = answer.wait if answer.wait is not None else longest * (0.5 + self._rng() / 2)
        self._away_until = self._clock() + wait
        if self._failures == 1:
            faults.note("away", f"the gateway does not answer ({answer.status or answer.detail}); records wait")

    def _settle(self, answer: Answer, records: int) -> None:
        if answer.verdict is Verdict.DELIVERED:
            rejected = min(answer.rejected, records)
            self.delivered += records - rejected
            if rejected or answer.detail:
                self._drop("rejected", rejected, answer.detail)
            return
        self._drop(f"refused_{answer.status}", records, answer.detail)

    def _drop(self, reason: str, records: int, detail: str) -> None:
        if records:
            self.dropped[reason] += records
        faults.note(f"dropped: {reason}", detail)
