"""The loop: look at every writer, carry out a batch where there is something to read, rest where there is not.

One process holds `ingest/lock`. Whatever was planned before it started is carried out first. When the store is away
nothing moves and nothing is lost: the spool grows, and the loop asks again with growing pauses.
"""

import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

import structlog

from ingestion.settings import IngestSettings
from ingestion.spool import layout
from ingestion.spool.layout import Segment
from ingestion.worker.ahead import Ahead, Place
from ingestion.worker.batch import Procedure
from ingestion.worker.files import read_json, remove
from ingestion.worker.memory import give_back
from ingestion.worker.order import earliest_end, holds_spans, may_go
from ingestion.worker.plan import FINAL, Plan
from ingestion.worker.prepared import Prepared
from ingestion.worker.refusal import short
from ingestion.worker.spool_range import Range, read_range
from ingestion.worker.status import Status
from ingestion.worker.writer_state import Cursor, WriterState

__all__ = ["AlreadyRunning", "Ingest", "claim"]

log = structlog.get_logger("ingest")

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_STATUS_SECONDS = 2.0
_REST = 3  # times as long as the work before it
_LONGEST_GATHERING = 0.5  # seconds; what came in is to be seen within two
_ALL = 1 << 62


class AlreadyRunning(RuntimeError):  # noqa: N818 - the name says what is wrong
    """Another ingest process holds the lock; the message names it."""


def claim(folder: Path) -> int:
    """Hold `ingest/lock` until this process ends; returns the descriptor."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise AlreadyRunning(
            f"{path} is held by process {holder}: one ingest process reads a spool; stop that one first"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


@dataclass(frozen=True, slots=True)
class Ready:
    """What was read, and, where that is anything, a batch that waits to be carried out."""

    found: Range
    prepared: Prepared | None


class Ingest:
    """Reads the spool of one installation."""

    def __init__(
        self,
        settings: IngestSettings,
        procedure: Procedure,
        *,
        remember: Callable[[], None],
        status: Status,
        clock_ns: Callable[[], int] = time.time_ns,
        step: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._settings = settings
        self._spool = settings.home / "spool"
        self._folder = settings.home / "ingest"
        self._procedure = procedure
        self._remember = remember
        self.status = status
        self._clock_ns = clock_ns
        self._step = step
        self._writers: dict[str, WriterState] = {}
        self._ahead: Ahead[Ready] = Ahead(self._discard)
        self._held: list[str] = []  # writers of whom something must wait for others
        self._stuck = False  # in the last turn nobody could go
        self._restored = False
        self._status_due = 0.0

    # --- the loop ---

    def run(self, stop: Event) -> None:
        """Work until told to stop. A batch in hand is finished first."""
        pause, grown = _FIRST_PAUSE, False
        while not stop.is_set():
            started, before = time.monotonic(), self.status.bytes
            try:
                moved = self.turn(stop)
            except Exception as error:
                self.status.state = "store_unavailable"
                self.status.failed(short(error), self._clock_ns())
                log.warning("nothing moves", error=short(error), again_in=pause)
                self._tell(force=True)
                stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            self.status.state = "working" if moved else "idle"
            self._tell()
            small = self.status.bytes - before < self._settings.batch_bytes // 4
            grown = grown or not small
            if not moved:
                if grown:
                    grown = False
                    give_back()
                stop.wait(self._settings.poll)
            elif small:
                # A small batch costs nearly as much as a large one: under light load let a little gather.
                stop.wait(min(_LONGEST_GATHERING, _REST * (time.monotonic() - started)))
        self.status.state = "stopped"
        self._tell(force=True)

    def turn(self, stop: Event | None = None) -> bool:
        """Carry out at most one batch for every writer; returns whether anything was done."""
        if not self._restored:
            self._remember()
            self._restored = True
        # Also after an error of our own: what was planned keeps its range, however much has come since.
        self._finish_planned()
        names, moved, went = layout.writers(self._spool), False, True
        while names and went:
            self._held, went = [], False
            for name in names:
                if stop is not None and stop.is_set():
                    return moved
                went = self._visit(name) or went
            moved, names = moved or went, self._held
        if moved or not self._held:
            self._stuck = False
            return moved
        if self._stuck:  # each waits for the others: a clock was set back, and somebody must go
            self._visit(self._held[0], in_order=False)
        self._stuck = not self._stuck  # the first time it may be an exchange that came while we looked: look again
        return True

    def drain(self) -> None:
        """Turn until nothing is left to do."""
        while self.turn():
            pass

    def _tell(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if force or now >= self._status_due:
            self._status_due = now + _STATUS_SECONDS
            self.status.write(self._folder / "status.json", self._clock_ns())

    # --- one writer ---

    def _state(self, name: str) -> WriterState:
        state = self._writers.get(name)
        if state is None:
            state = self._writers[name] = WriterState(self._folder, self._spool / name)
        return state

    def _visit(self, name: str, *, in_order: bool = True) -> bool:
        """Carry out a batch of a writer; `in_order`: only as much of it as other writers' exchanges let go."""
        state = self._state(name)
        # Asked before the segments are listed: a writer that is dead now has written its last one already.
        alive = layout.writer_alive(state.directory)
        segments = layout.segments(state.directory)
        if state.cursor.ended:
            return self._bury(state)
        self.status.freed_bytes += state.release(segments)
        current = next((s for s in segments if s.sequence >= state.cursor.segment), None)
        if current is None:
            return False if alive else self._end(state)
        offset = state.cursor.offset if current.sequence == state.cursor.segment else 0
        sealed = not alive or current.sequence != segments[-1].sequence
        if not sealed and current.size <= offset:
            return False
        at_end = sealed and offset >= current.size
        ready = None if at_end else self._ahead.taken(Place(name, current.sequence, offset))
        if ready is None or ready.prepared is None:  # nothing whole was there to be read ahead
            found = self._read(current, offset=offset, sealed=sealed)
            if in_order:
                frames = self._let_go(name, found)
                if frames < len(found.frames):
                    self._held.append(name)
                    if not frames:
                        return False
                    found = found.up_to(frames)
            ready = self._ready(state, current, found)
        found = ready.found
        if ready.prepared is not None:
            prepared, plan = ready.prepared, ready.prepared.plan
            self._procedure.persist(plan)
            self._look_ahead(name, Cursor(current.sequence, found.end))
            self._settle(state, prepared, Cursor(current.sequence, found.end))
            state.opens.note(current.sequence, found.frames)
            return True
        if not sealed:
            return False
        self.status.torn_bytes += found.torn
        following = next((s.sequence for s in segments if s.sequence > current.sequence), current.sequence + 1)
        state.advance(Cursor(following, 0))
        self._step("segment finished")
        self.status.freed_bytes += state.release(segments)
        return True

    def _read(self, current: Segment, *, offset: int, sealed: bool) -> Range:
        return read_range(
            current.path,
            start=offset,
            most_bytes=self._settings.batch_bytes,
            most_frames=self._settings.batch_records,
            complete=sealed,
        )

    def _ready(self, state: WriterState, current: Segment, found: Range) -> Ready:
        """Prepare a range. Touches nothing that carrying out another batch does."""
        if not found.frames:
            return Ready(found, None)
        plan = Plan(state.name, current.sequence, found.start, found.end)
        prepared = self._procedure.prepare(plan, found.frames, end_offset=found.end, decided=False)
        return Ready(found, prepared)

    def _let_go(self, name: str, found: Range) -> int:
        """Return how many frames of a range may go now: all, unless older exchanges lie unread with other writers.

        Where much waits, nobody waits for others: small batches would never catch up.
        """
        small = self._settings.batch_bytes // 4
        if found.end - found.start >= small or not holds_spans(found.frames):
            return len(found.frames)
        # Looked at after the range was read: what a span in it tells of was in a file before the span came.
        others = [self._state(other) for other in layout.writers(self._spool) if other != name]
        unread = [frame for state in others for frame in state.unread(most_bytes=small)]
        return may_go(found.frames, unread_end_ns=earliest_end(unread))

    def _discard(self, ready: Ready) -> None:
        if ready.prepared is not None:
            self._procedure.discard(ready.prepared)

    def _look_ahead(self, name: str, cursor: Cursor) -> None:
        """While a batch is inserted, prepare the one whose turn is next, where one waits that is not small."""
        names = layout.writers(self._spool)
        at = names.index(name) + 1 if name in names else 0
        for other in (*names[at:], *names[:at]):
            state = self._state(other)
            waiting = self._waiting(state, cursor if other == name else state.cursor)
            if waiting is not None:
                segment, offset, sealed = waiting
                place = Place(other, segment.sequence, offset)
                self._ahead.start(place, partial(self._ready_ahead, state, segment, offset=offset, sealed=sealed))
                return

    def _ready_ahead(self, state: WriterState, segment: Segment, *, offset: int, sealed: bool) -> Ready:
        return self._ready(state, segment, self._read(segment, offset=offset, sealed=sealed))

    def _waiting(self, state: WriterState, cursor: Cursor) -> tuple[Segment, int, bool] | None:
        """Return where the next batch of a writer begins, and whether its segment is sealed."""
        alive = layout.writer_alive(state.directory)
        segments = layout.segments(state.directory)
        for segment in segments:
            offset = cursor.offset if segment.sequence == cursor.segment else 0
            sealed = not alive or segment.sequence != segments[-1].sequence
            if segment.sequence < cursor.segment or (sealed and offset >= segment.size):
                continue
            enough = segment.size - offset >= self._settings.batch_bytes // 4
            return (segment, offset, sealed) if enough and not cursor.ended else None
        return None

    def _end(self, state: WriterState) -> bool:
        """A dead writer is read to its end: what is open now was interrupted."""
        opens = state.opens.messages()
        if opens:
            plan = Plan(state.name, state.cursor.segment, FINAL, FINAL)
            prepared = self._procedure.prepare_final(plan, opens, end_offset=state.cursor.offset)
            self._procedure.persist(plan)
            self.status.interrupted += len(prepared.intake.exchanges)
            self._settle(state, prepared, self._ended(state))
        else:
            state.advance(self._ended(state))
        return self._bury(state) or True

    @staticmethod
    def _ended(state: WriterState) -> Cursor:
        return Cursor(state.cursor.segment, state.cursor.offset, ended=True)

    def _bury(self, state: WriterState) -> bool:
        if not state.bury():
            return False
        del self._writers[state.name]
        return True

    def _settle(self, state: WriterState, prepared: Prepared, cursor: Cursor) -> None:
        started = time.monotonic()
        try:
            records = self._procedure.carry_out(prepared)
        except BaseException:
            self._ahead.forget()
            raise
        state.advance(cursor)
        self._step("cursor moved")
        remove(self._procedure.plan_path)
        self._step("plan removed")
        self._count(prepared, records, time.monotonic() - started)

    def _count(self, prepared: Prepared, records: int, seconds: float) -> None:
        status, plan, now_ns = self.status, prepared.plan, self._clock_ns()
        status.batches += 1
        status.records += records
        status.bytes += max(0, plan.end - plan.start)
        for drop in prepared.drops():
            status.drops[drop.reason] = status.drops.get(drop.reason, 0) + drop.records
        status.last_batch_ns = now_ns
        status.last_batch_records = records
        status.last_batch_seconds = round(seconds, 3)
        oldest = min((received for _, received, _ in prepared.written()), default=now_ns)
        status.lag_seconds = max(0.0, (now_ns - oldest) / 1e9)
        status.steps = self._procedure.steps()

    # --- what another process had planned ---

    def _finish_planned(self) -> None:
        value = read_json(self._procedure.plan_path)
        if value is None:
            return
        plan = Plan.from_json(value)
        directory = self._spool / plan.writer
        if not directory.exists():
            remove(self._procedure.plan_path)
            return
        state = self._state(plan.writer)
        self.status.replays += 1
        if plan.start == FINAL:
            if not state.cursor.ended:
                prepared = self._procedure.prepare_final(plan, state.opens.messages(), end_offset=state.cursor.offset)
                self._settle(state, prepared, self._ended(state))
            remove(self._procedure.plan_path)
            return
        behind = (state.cursor.segment, state.cursor.offset) >= (plan.segment, plan.end)
        if behind or state.cursor.ended:
            remove(self._procedure.plan_path)
            return
        found = read_range(
            directory / layout.segment_name(plan.segment),
            start=plan.start,
            end=plan.end,
            most_bytes=_ALL,
            most_frames=_ALL,
            complete=True,
        )
        prepared = self._procedure.prepare(plan, found.frames, end_offset=plan.end, decided=True)
        self._settle(state, prepared, Cursor(plan.segment, plan.end))
        state.opens.note(plan.segment, found.frames)
