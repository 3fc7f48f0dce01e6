"""h2 as a gRPC server needs it: its settings, and three things that it leaves to its user. No input, no output."""

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

__all__ = ["CONNECTION_WINDOW", "STREAM_WINDOW", "FrameLengths", "Http2", "goaway"]

CONNECTION_WINDOW = 1024 * 1024
STREAM_WINDOW = 256 * 1024
_INITIAL_CONNECTION_WINDOW = 65535
_FRAME = 64 * 1024
_STREAMS = 100
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
    """Watches the lengths that frames claim: h2 looks at one only when all of the frame has come, up to 16 MiB."""

    def __init__(self) -> None:
        self._length = b""
        self._left = 0  # bytes up to the next frame's length

    def bounded(self, data: bytes) -> bool:
        """Say whether every frame that begins in what came next is of a length that is taken."""
        at, end = 0, len(data)
        while at < end:
            if self._left:
                skipped = min(self._left, end - at)
                self._left -= skipped
                at += skipped
                continue
            taken = data[at : at + 3 - len(self._length)]
            self._length += taken
            at += len(taken)
            if len(self._length) == 3:
                length = int.from_bytes(self._length, "big")
                if length > _FRAME:
                    return False
                self._length, self._left = b"", 6 + length  # type, flags and stream
        return True


def goaway(*, newest: int, code: int) -> bytes:
    """Return a GOAWAY frame. Not by h2, which answers nothing after one of its own."""
    return GoAwayFrame(0, last_stream_id=newest, error_code=code).serialize()
