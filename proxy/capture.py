"""The recorder of one exchange: events in, sealed frames out. Sans-IO: times are passed in, bytes are handed back.

Keeps at most `bound` bytes of each body, counts them all, and remembers when the first pieces of the answer came, so
that the time to the first *token* can be found later. Of an answer that is larger the beginning and the end are kept:
a stream's last events say what was used.
"""

from ingestion.envelope import (
    Kind,
    Outcome,
    end_fields,
    envelope_fields,
    exchange_prefix,
    gap_fields,
    opening_fields,
    request_body_prefix,
    response_fields,
    seal,
    seal_exchange,
)

__all__ = ["Capture"]

_MOST_MARKS = 64
_COPIED_BELOW = 16384
_TAIL_BYTES = 64 * 1024


class Capture:
    """What was seen of one exchange. Times are nanoseconds of a monotonic clock, but for `wall_ns`."""

    __slots__ = (
        "_bound",
        "_first_body",
        "_first_byte",
        "_identity",
        "_key_id",
        "_marks",
        "_request",
        "_response_headers",
        "_sent",
        "_started",
        "_tail",
        "id",
        "project_id",
        "request_bytes",
        "request_kept",
        "request_pieces",
        "response_bytes",
        "response_kept",
        "response_pieces",
        "status",
    )

    def __init__(
        self,
        *,
        id: bytes,  # noqa: A002 - the envelope's name for it
        project_id: int,
        key_id: int,
        request: bytes,
        bound: int,
        client_address: bytes,
        wall_ns: int,
        now: int,
    ) -> None:
        self.id = id
        self.project_id = project_id
        self._key_id = key_id
        self._identity, start = opening_fields(now_ns=wall_ns, id=id, address_field=client_address)
        self._request = request + start
        self._bound = bound
        self._started = now
        self._sent = self._first_byte = self._first_body = 0
        self.request_pieces: list[bytes] = []
        self.request_bytes = self.request_kept = 0
        self.status = 0
        self._response_headers: list[bytes] = []
        self.response_pieces: list[bytes] = []
        self.response_bytes = self.response_kept = 0
        self._marks: list[int] = []
        self._tail: bytearray | None = None  # the answer's last bytes, once it is larger than the bound

    # --- events ---

    def request_body(self, piece: bytes) -> None:
        """A piece of the request's body came."""
        size = len(piece)
        self.request_bytes += size
        room = self._bound - self.request_kept
        if room > 0:
            if size > room:
                piece = piece[:room]
                size = room
            self.request_pieces.append(piece)
            self.request_kept += size

    def request_sent(self, now: int) -> None:
        """The request's last byte was handed to the upstream."""
        self._sent = now

    def first_byte(self, now: int) -> None:
        """The first byte of the upstream's answer came."""
        if not self._first_byte:
            self._first_byte = now

    def response_head(self, status: int, headers: list[bytes]) -> None:
        """The answer's head is known: its headers as fields of the record."""
        self.status = status
        self._response_headers = headers

    def response_body(self, pieces: list[bytes], now: int) -> None:
        """Pieces of the answer's body came together."""
        size = sum(map(len, pieces)) if len(pieces) > 1 else len(pieces[0])
        self.response_bytes += size
        if not self._first_body:
            self._first_body = now
        if len(self._marks) < 2 * _MOST_MARKS:
            self._marks += (self.response_bytes, now - self._started)
        if self._tail is not None:
            self._keep_last(pieces)
        elif self.response_kept + size <= self._bound:
            self.response_pieces += pieces
            self.response_kept += size
        else:
            self._part_in_two(pieces)

    def whole_answer(self, status: int, headers: list[bytes], body: bytes, now: int) -> None:
        """The answer came all at once."""
        self._first_byte = now
        self.status = status
        self._response_headers = headers
        size = len(body)
        if size > self._bound:
            self.response_body([body], now)
        elif size:
            self._first_body = now
            self.response_pieces = [body]
            self.response_bytes = self.response_kept = size

    def _part_in_two(self, pieces: list[bytes]) -> None:
        """The answer outgrows the bound with these pieces: from here on its last bytes push each other out."""
        beginning = self._bound - self._tail_bound
        kept: list[bytes] = []
        room = beginning
        self._tail = bytearray()
        for piece in [*self.response_pieces, *pieces]:
            if room:
                kept.append(piece[:room])
                piece = piece[room:]
                room -= len(kept[-1])
            if piece:
                self._keep_last([piece])
        self.response_pieces, self.response_kept = kept, beginning

    def _keep_last(self, pieces: list[bytes]) -> None:
        tail = self._tail
        assert tail is not None  # noqa: S101 - both callers made sure
        for piece in pieces:
            tail += piece
        if len(tail) > 2 * self._tail_bound:  # not with every piece: what is left is moved
            del tail[: len(tail) - self._tail_bound]

    @property
    def _tail_bound(self) -> int:
        return min(_TAIL_BYTES, self._bound // 4)

    # --- what was asked of it ---

    @property
    def replayable(self) -> bool:
        """Say whether the whole request body is still in memory."""
        return self.request_kept == self.request_bytes

    @property
    def answered(self) -> bool:
        """Say whether anything of an answer came."""
        return bool(self._first_byte)

    @property
    def upstream_seconds(self) -> float:
        """Return the time to the answer's first byte."""
        return (self._first_byte - self._started) / 1e9

    # --- frames ---

    def open_frame(self) -> list[bytes]:
        """Return the OPEN envelope as a frame's parts: the request as far as it has come."""
        prefix = request_body_prefix(self.request_kept, self.request_bytes)
        return self._sealed(Kind.OPEN, 0, [self._request, prefix, *self.request_pieces])

    def close_frame(self, *, outcome: Outcome, detail: str, now: int) -> list[bytes]:
        """Return the CLOSE envelope as a frame's parts: the whole exchange."""
        started = self._started
        pieces, kept, gap = self.response_pieces, self.response_kept, b""
        if self._tail is not None:
            tail = bytes(self._tail[len(self._tail) - min(len(self._tail), self._tail_bound) :])
            gap = gap_fields(at=kept, size=self.response_bytes - kept - len(tail))
            pieces, kept = [*pieces, tail], kept + len(tail)
        end = end_fields(
            sent_after_ns=self._sent and self._sent - started,
            first_byte_after_ns=self._first_byte and self._first_byte - started,
            first_body_after_ns=self._first_body and self._first_body - started,
            ended_after_ns=now - started,
            outcome=outcome,
            outcome_detail=detail,
            marks=self._marks if len(self._marks) > 2 else (),  # one piece: its time is first_body_after_ns
        )
        parts = [
            self._request,
            request_body_prefix(self.request_kept, self.request_bytes),
            *self.request_pieces,
            *self._response_headers,
            response_fields(status=self.status, size=kept, total=self.response_bytes),
            *pieces,
            gap + end,
        ]
        return self._sealed(Kind.CLOSE, 1, parts)

    def _sealed(self, kind: Kind, records: int, parts: list[bytes]) -> list[bytes]:
        head = envelope_fields(
            kind=kind,
            project_id=self.project_id,
            records=records,
            key_id=self._key_id,
            identity=self._identity,
        )
        if self.request_kept + self.response_kept < _COPIED_BELOW:
            # One small copy makes one checksum and one vector; large bodies are handed on as they are.
            return seal_exchange(head, b"".join(parts))
        return seal([head, exchange_prefix(sum(map(len, parts))), *parts])
