"""h2 as a gRPC server needs it: its settings, and what it leaves to its user. No input, no output."""

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

__all__ = ["CONNECTION_WINDOW", "STREAM_WINDOW", "FrameLengths", "Http2", "goaway"]

CONNECTION_WINDOW = 1024 * 1024
STREAM_WINDOW = 256 * 1024
_INITIAL_CONNECTION_WINDOW = 65535
_FRAME = 64 * 1024
_STREAMS = 100
_HEADERS, _CONTINUATION = 1, 9  # types of frames
_HEAD_MARGIN = 1024  # padding, priorities: compressed a head is never larger than what its fields count for
_OPEN = ConnectionState.SERVER_OPEN


class _OpenAfterGoaway(H2ConnectionStateMachine):
    """A client that said GOAWAY begins nothing more, but may still wait for answers; h2 would send none."""

    _transitions = H2ConnectionStateMachine._transitions | {(_OPEN, ConnectionInputs.RECV_GOAWAY): (None, _OPEN)}


class Http2(H2Connection):
    """The server's side of a connection."""

    MAX_CLOSED_STREAMS = 1024  # how many ended streams are remembered: connections stay open for weeks

    def __init__(self, *, header_bytes: int) -> None:
        super().__init__(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.state_machine = _OpenAfterGoaway()
        # In force before the client has acknowledged them: some use a larger frame in the same breath.
        self.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: _STREAMS,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_FRAME_SIZE: _FRAME,
                SettingCodes.MAX_HEADER_LIST_SIZE: header_bytes,
            },
        )
        self.max_inbound_frame_size = _FRAME
        self.decoder.max_header_list_size = header_bytes

    def begin(self) -> None:
        """Say the settings, and open the connection's window beyond what it is at first."""
        self.initiate_connection()
        self.increment_flow_control_window(CONNECTION_WINDOW - _INITIAL_CONNECTION_WINDOW)


class FrameLengths:
    """Watches the lengths that frames claim, before they come: h2 looks at one when all of its frame is there, up to
    16 MiB, and at a head when all its frames are.
    """

    def __init__(self, *, header_bytes: int) -> None:
        self._most_head = header_bytes + _HEAD_MARGIN
        self._begun = b""  # of the next frame's length and type
        self._left = 0  # bytes up to the next frame
        self._head = 0  # bytes of the head that is coming

    def broken(self, data: bytes) -> ErrorCodes | None:
        """Take what came next; return what is wrong with the frames that begin in it."""
        at, end = 0, len(data)
        while at < end:
            if self._left:
                skipped = min(self._left, end - at)
                self._left -= skipped
                at += skipped
                continue
            taken = data[at : at + 4 - len(self._begun)]
            self._begun += taken
            at += len(taken)
            if len(self._begun) == 4:
                length, kind = int.from_bytes(self._begun[:3], "big"), self._begun[3]
                if length > _FRAME:
                    return ErrorCodes.FRAME_SIZE_ERROR
                if kind in {_HEADERS, _CONTINUATION}:
                    self._head = length if kind == _HEADERS else self._head + length
                    if self._head > self._most_head:
                        return ErrorCodes.ENHANCE_YOUR_CALM
                self._begun, self._left = b"", 5 + length  # flags and stream, and the frame's content
        return None


def goaway(*, newest: int, code: int) -> bytes:
    """Return a GOAWAY frame. Not by h2, which answers nothing after one of its own."""
    return GoAwayFrame(0, last_stream_id=newest, error_code=code).serialize()
