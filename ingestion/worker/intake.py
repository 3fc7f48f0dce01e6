"""What the frames of a range hold, sorted by what is to be done with them. Pure: no store, no clock.

Everything that a gateway accepted ends in exactly one of four places here: exchanges and bodies become rows, drops
say why something will not, and opens wait for their close.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingestion.drops import DropReason
from ingestion.envelope import CorruptFrame, Envelope, Kind, is_open
from ingestion.envelope.decode import decode
from ingestion.ids import uuid_text
from ingestion.records import Drop
from ingestion.spool.segment import Frame, Soundness

__all__ = ["Body", "Closed", "Intake", "sample_of", "signal_of", "take_in"]

_SAMPLE = 2048
_LOSSES = {str(reason): reason for reason in DropReason}
_SIGNALS = {
    Kind.CLOSE: "exchange",
    Kind.TRACES: "traces",
    Kind.LOGS: "logs",
    Kind.METRICS: "metrics",
    Kind.LANGFUSE: "langfuse",
    Kind.MANUAL_LOG: "manual_log",
}


@dataclass(frozen=True, slots=True)
class Closed:
    """An exchange that has ended, or (`interrupted`) never will."""

    position: int
    envelope: Envelope
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """One OTLP body as it was sent."""

    position: int
    envelope: Envelope

    @property
    def request_id(self) -> str:
        """The id that the sender was given, '' when none was."""
        return uuid_text(self.envelope.id) if len(self.envelope.id) == 16 else ""


@dataclass(slots=True)
class Intake:
    """A range, sorted."""

    exchanges: list[Closed] = field(default_factory=list)
    traces: list[Body] = field(default_factory=list)
    metrics: list[Body] = field(default_factory=list)
    logs: list[Body] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)

    @property
    def bodies(self) -> list[Body]:
        """Everything that an exporter may send twice."""
        return [*self.traces, *self.metrics, *self.logs]


def take_in(frames: Iterable[Frame], *, place: str, now_ns: int) -> Intake:
    """Sort frames. `place` names the segment for people; `now_ns` dates only frames that cannot say when they came."""
    intake = Intake()
    for frame in frames:
        position = f"{place}:{frame.start}"
        if frame.soundness is not Soundness.SOUND:
            intake.drops.append(
                _corrupt(frame, position, now_ns, f"{frame.end - frame.start} bytes fail their checksum")
            )
            continue
        try:
            if is_open(frame.message):
                continue  # what is in it matters only when its exchange never ends
            envelope = decode(frame.message, checked=True)
        except CorruptFrame as error:
            intake.drops.append(_corrupt(frame, position, now_ns, str(error)))
            continue
        _sort(intake, frame, envelope, position)
    return intake


def _sort(intake: Intake, frame: Frame, envelope: Envelope, position: str) -> None:
    kind = envelope.kind
    if envelope.project_id == 0:
        intake.drops.append(_drop(envelope, DropReason.UNKNOWN_PROJECT, position, "the frame names no project"))
    elif kind is Kind.CLOSE and envelope.exchange is not None:
        intake.exchanges.append(Closed(frame.start, envelope))
    elif kind is Kind.TRACES:
        intake.traces.append(Body(frame.start, envelope))
    elif kind is Kind.METRICS:
        intake.metrics.append(Body(frame.start, envelope))
    elif kind is Kind.LOGS:
        intake.logs.append(Body(frame.start, envelope))
    elif kind is Kind.LOSS:
        reason = _LOSSES.get(envelope.loss_reason, DropReason.SPOOL_FULL)
        detail = "" if envelope.loss_reason in _LOSSES else f"the gateway said {envelope.loss_reason!r}"
        intake.drops.append(_drop(envelope, reason, position, detail))
    elif envelope.records or kind is not Kind.UNKNOWN:
        detail = f"{_SIGNALS.get(kind, 'unknown')} are accepted at the door but not stored by this version"
        intake.drops.append(_drop(envelope, DropReason.UNSUPPORTED_SIGNAL, position, detail))


def _drop(envelope: Envelope, reason: DropReason, position: str, detail: str) -> Drop:
    return Drop(
        project_id=envelope.project_id,
        received_ns=envelope.received_ns,
        reason=reason,
        signal=signal_of(envelope),
        records=max(1, envelope.records),
        detail=detail,
        position=position,
        sample=sample_of(envelope),
    )


def signal_of(envelope: Envelope) -> str:
    """Return the name of what a frame carries, as `drops.signal` says it."""
    return _SIGNALS.get(envelope.kind, "exchange" if envelope.kind is Kind.LOSS else "unknown")


def sample_of(envelope: Envelope) -> str:
    """Return the beginning of what was sent, for people."""
    content = envelope.payload or envelope.otlp
    return content[:_SAMPLE].decode("utf-8", "replace").replace("\0", "\\0")


def _corrupt(frame: Frame, position: str, now_ns: int, detail: str) -> Drop:
    # Nothing in a damaged frame can be believed, so it belongs to nobody: project 0 is the installation itself.
    return Drop(
        project_id=0,
        received_ns=now_ns,
        reason=DropReason.CORRUPT_FRAME,
        signal="unknown",
        records=1,
        detail=detail,
        position=position,
        sample=bytes(frame.message[:256]).hex(),
    )
