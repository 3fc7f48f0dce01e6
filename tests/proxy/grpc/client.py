"""A gRPC client made of a socket and h2, that shows and decides everything: windows, pieces, resets."""

import socket
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from h2.settings import SettingCodes, Settings

from proxy.grpc.frames import framed
from tests.proxy.harness import SECRET

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


class _OpenAfterGoaway(H2ConnectionStateMachine):
    """gRPC clients bring what is under way to its end when they are told to go; h2 does not."""

    _transitions = H2ConnectionStateMachine._transitions | {
        (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY): (None, ConnectionState.CLIENT_OPEN)
    }


class Answer:
    """What came back on one stream."""

    def __init__(self):
        self.head = {}
        self.body = b""
        self.ended = False
        self.reset = None

    @property
    def status(self):
        return int(self.head.get(b"grpc-status", -1))

    @property
    def message(self):
        return unquote_to_bytes(self.head.get(b"grpc-message", b"")).decode()

    def binary(self, name):
        value = self.head.get(name, b"")
        return b64decode(value + b"=" * (-len(value) % 4))


class GrpcClient:
    """One connection."""

    def __init__(self, port, *, window=65535):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.h2 = H2Connection(H2Configuration(header_encoding=None))
        self.h2.state_machine = _OpenAfterGoaway()
        self.h2.local_settings = Settings(initial_values={SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.answers = {}
        self.gone = None
        self.closed = False
        self.h2.initiate_connection()

    def flush(self, *, step=0):
        """Send what is due; in pieces of `step` bytes."""
        data = self.h2.data_to_send()
        for at in range(0, len(data), step or len(data) or 1):
            self.sock.sendall(data[at : at + (step or len(data))])

    def begin(self, path=TRACES, *, key=SECRET, headers=(), end=False):
        """Send a call's head; returns the stream."""
        stream = self.h2.get_next_available_stream_id()
        head = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "gateway"),
            ("te", "trailers"),
        ]
        named = {name for name, _ in headers}
        if "content-type" not in named:
            head.append(("content-type", "application/grpc"))
        if key:
            head.append(("authorization", f"Bearer {key}"))
        head = [pair for pair in head if pair[0] not in named]
        fields = sorted([*head, *headers], key=lambda pair: not pair[0].startswith(":"))
        self.h2.send_headers(stream, fields, end_stream=end)
        self.answers[stream] = Answer()
        return stream

    def body(self, stream, data, *, end=True):
        """Send a body as the other side's windows let it; stops when the call is answered."""
        while data and not self.answers[stream].ended:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room <= 0:
                self.flush()
                self.read()
                continue
            self.h2.send_data(stream, data[:room])
            data = data[room:]
        if end and not self.answers[stream].ended:
            self.h2.end_stream(stream)
        self.flush()

    def call(self, message=b"", path=TRACES, **options):
        """Make a whole call; returns its answer."""
        stream = self.begin(path, **options)
        self.body(stream, framed(message))
        return self.wait(stream)

    def wait(self, stream):
        """Read until a call is answered."""
        answer = self.answers[stream]
        while not answer.ended and answer.reset is None:
            self.flush()
            self.read()
        return answer

    def read(self):
        """Read once; EOFError when the other side has closed."""
        data = self.sock.recv(65536)
        if not data:
            self.closed = True
            raise EOFError
        for event in self.h2.receive_data(data):
            if isinstance(event, ResponseReceived | TrailersReceived):
                self.answers[event.stream_id].head |= dict(event.headers)
            elif isinstance(event, DataReceived):
                self.answers[event.stream_id].body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                self.answers[event.stream_id].ended = True
            elif isinstance(event, StreamReset):
                self.answers[event.stream_id].reset = event.error_code
            elif isinstance(event, ConnectionTerminated):
                self.gone = event

    def until_gone(self):
        """Read until the other side has said GOAWAY."""
        while self.gone is None:
            self.flush()
            self.read()
        return self.gone

    def until_closed(self):
        """Read until the other side closes."""
        try:
            while True:
                self.read()
        except (EOFError, OSError):
            return

    def close(self):
        self.sock.close()
