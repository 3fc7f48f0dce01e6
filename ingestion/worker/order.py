"""What of a range may be carried out now, so that no SDK's span overtakes the gateway's span of the same call. Pure.

With several gateway processes the exchange may lie in one process's directory and the SDK's span in another's. An SDK
exports a span after its call has ended, and by then the exchange stands in a file: so a body of spans may be carried
out once no other writer has an unread exchange that ended before the body came. Within one batch the exchanges go
first, whatever their place.
"""

from collections.abc import Iterable, Sequence

from ingestion.envelope import CorruptFrame, Kind, peek
from ingestion.envelope.decode import decode
from ingestion.spool.segment import Frame, Soundness

__all__ = ["earliest_end", "holds_spans", "may_go"]


def holds_spans(frames: Iterable[Frame]) -> bool:
    """Say whether there is a body of spans in these frames."""
    return any(_kind(frame) is Kind.TRACES for frame in frames)


def earliest_end(frames: Iterable[Frame]) -> int | None:
    """Return when the first of the exchanges in these frames ended, in Unix ns; None where there is none."""
    ends = [end for frame in frames if (end := _ended(frame)) is not None]
    return min(ends, default=None)


def may_go(frames: Sequence[Frame], *, unread_end_ns: int | None) -> int:
    """Return how many frames, from the first on, may go while other writers' exchanges since then are unread."""
    if unread_end_ns is None:
        return len(frames)
    for place, frame in enumerate(frames):
        came = _spans_came(frame)
        if came is not None and came > unread_end_ns:
            return place
    return len(frames)


def _ended(frame: Frame) -> int | None:
    if _kind(frame) is not Kind.CLOSE:
        return None
    try:
        exchange = decode(frame.message, checked=True).exchange
    except CorruptFrame:
        return None
    return None if exchange is None else exchange.started_ns + exchange.ended_after_ns


def _spans_came(frame: Frame) -> int | None:
    return peek(frame.message).received_ns if _kind(frame) is Kind.TRACES else None


def _kind(frame: Frame) -> Kind:
    if frame.soundness is not Soundness.SOUND:
        return Kind.UNKNOWN
    try:
        return peek(frame.message).kind
    except CorruptFrame:
        return Kind.UNKNOWN
