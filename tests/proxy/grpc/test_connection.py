"""HTTP/2 as it comes: in pieces, cut off, as garbage, much at once, with narrow windows, and taken back."""

import contextlib
import gzip
import random
import threading

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from proxy.grpc.frames import framed
from proxy.grpc.http2 import FrameLengths
from tests.proxy.grpc.client import TRACES, GrpcClient
from tests.proxy.harness import SECRET, UNKNOWN, RawClient
from tests.proxy.test_otlp import traces

BODY = traces(3)
LARGE = traces(60_000)  # about 3 MB: many windows


def eventually(met, told=lambda: ""):
    for _ in range(1500):
        if met():
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"it did not happen: {told()}")


def requests(gateway):
    return gateway.in_loop(lambda: dict(gateway.gateway.services.metrics.requests))


@pytest.mark.parametrize("step", [0, 1, 7, 24])
def test_in_any_pieces(gateway, dial, step):
    client = dial(gateway)
    stream = client.begin()
    client.h2.send_data(stream, framed(BODY), end_stream=True)
    client.flush(step=step)
    answer = client.wait(stream)
    assert (answer.status, answer.body) == (0, bytes(5))
    assert answer.head[b"content-type"] == b"application/grpc"
    (envelope,) = gateway.envelopes()
    assert envelope.otlp == BODY


def test_a_message_over_many_data_frames_of_one_byte(gateway, dial):
    client = dial(gateway)
    stream = client.begin()
    for byte in framed(BODY):
        client.h2.send_data(stream, bytes([byte]))
    client.h2.end_stream(stream)
    client.flush()
    assert client.wait(stream).status == 0
    assert [one.otlp for one in gateway.envelopes()] == [BODY]


def test_cut_off_anywhere_is_nobodys_record_and_no_error(gateway, dial):
    whole = GrpcClient(gateway.grpc_port)
    stream = whole.begin()
    whole.h2.send_data(stream, framed(BODY), end_stream=True)
    data = whole.h2.data_to_send()
    whole.close()
    for cut in range(0, len(data), 5):
        raw = RawClient(gateway.grpc_port)
        raw.send(data[:cut])
        raw.close()
    eventually(lambda: gateway.in_loop(lambda: gateway.gateway.services.metrics.connections) == 0)
    assert gateway.envelopes() == []
    assert dial(gateway).call(BODY).status == 0


def test_garbage_ends_its_connection_alone(gateway, dial):
    other = dial(gateway)
    assert other.call(BODY).status == 0
    for seed in range(40):
        noise = random.Random(seed)
        client = GrpcClient(gateway.grpc_port)
        data = bytearray(client.h2.data_to_send())
        stream = client.begin()
        client.h2.send_data(stream, framed(BODY), end_stream=True)
        sent = bytearray(client.h2.data_to_send())
        for _ in range(noise.randrange(1, 30)):
            sent[noise.randrange(len(sent))] = noise.randrange(256)
        raw = RawClient(gateway.grpc_port)
        raw.send(bytes(data + sent) if seed % 2 else bytes(data) + noise.randbytes(300))
        raw.close()
        client.close()
    eventually(lambda: gateway.in_loop(lambda: gateway.gateway.services.metrics.connections) == 1)
    assert other.call(BODY).status == 0


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", ErrorCodes.FRAME_SIZE_ERROR),  # before 16 MiB of it have come
        (b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00", ErrorCodes.PROTOCOL_ERROR),  # a window of 0 more
    ],
)
def test_a_broken_protocol_is_answered_with_a_goaway(gateway, frame, code, step):
    client = GrpcClient(gateway.grpc_port)
    client.flush()
    for at in range(0, len(frame), step):
        client.sock.sendall(frame[at : at + step])
    assert client.until_gone().error_code == code
    client.until_closed()
    client.close()
    assert requests(gateway) == {("unreadable", 400): 1}


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    "opening",
    [
        b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"GET / HTTP/1.0\r\n\r\n",
        b"PRI * HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http2_is_told_where_it_is(gateway, opening, step):
    client = RawClient(gateway.grpc_port)
    for at in range(0, len(opening), step):
        client.send(opening[at : at + step])
    head, body = client.answer()
    client.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in head
    assert b"This port speaks gRPC" in body
    assert f"{gateway.url}/v1/traces".encode() in body


def test_many_calls_at_once_on_one_connection(gateway, dial):
    client = dial(gateway)
    bodies = {}
    for number in range(100):
        bodies[client.begin()] = traces(number)
    sent = {stream: framed(body) for stream, body in bodies.items()}
    while sent:  # a few bytes of each in turn
        for stream in list(sent):
            piece, sent[stream] = sent[stream][:500], sent[stream][500:]
            while client.h2.local_flow_control_window(stream) < len(piece):
                client.flush()
                client.read()
            client.h2.send_data(stream, piece, end_stream=not sent[stream])
            if not sent[stream]:
                del sent[stream]
    client.flush()
    assert {client.wait(stream).status for stream in bodies} == {0}
    assert sorted(one.otlp for one in gateway.envelopes()) == sorted(bodies.values())


def test_large_bodies_side_by_side_on_narrow_windows(gateway):
    outcomes: list[int] = []

    def one():
        client = GrpcClient(gateway.grpc_port)
        try:
            outcomes.extend(client.call(LARGE).status for _ in range(2))
        finally:
            client.close()

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert outcomes == [0] * 6
    assert [one.otlp == LARGE for one in gateway.envelopes()] == [True] * 6


def test_many_large_bodies_on_one_connection_all_come_to_their_end(make_gateway, dial, monkeypatch):
    """Together they are over what a connection may hold: the oldest goes on, the others wait for their turn."""
    monkeypatch.setattr("proxy.grpc.connection._HELD", 1024 * 1024)
    client = dial(make_gateway(grpc=True))
    client.begin("/grpc.health.v1.Health/Check", key=None)  # the oldest of all, and never ended: it is in nobody's way
    sent = {client.begin(): framed(LARGE) for _ in range(5)}
    streams = list(sent)
    while sent:
        moved = False
        for stream in reversed(list(sent)):  # the youngest first, so that they take what they can
            room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size)
            piece, rest = sent[stream][:room], sent[stream][room:]
            if not piece:
                continue
            moved = True
            client.h2.send_data(stream, piece, end_stream=not rest)
            sent[stream] = rest
            if not rest:
                del sent[stream]
        client.flush()
        if not moved:
            client.read()
    assert [client.wait(stream).status for stream in streams] == [0] * 5


def test_a_body_of_an_unknown_key_gets_no_second_window(gateway, dial):
    client = dial(gateway)
    stream = client.begin(key=UNKNOWN)
    client.body(stream, framed(LARGE))
    assert client.wait(stream).status == 16
    assert gateway.envelopes() == []
    assert client.call(BODY).status == 0, "the connection goes on"


def test_a_call_taken_back_is_forgotten(gateway, dial):
    client = dial(gateway)
    for sent in (b"", framed(BODY)[:20], framed(BODY)):
        stream = client.begin()
        client.body(stream, sent, end=False)
        client.h2.reset_stream(stream, ErrorCodes.CANCEL)
    client.flush()
    assert client.call(BODY).status == 0
    assert [one.otlp for one in gateway.envelopes()] == [BODY]


def test_all_in_one_write_also_when_it_is_taken_back_in_it(gateway, dial):
    client = dial(gateway)
    for key in (SECRET, UNKNOWN, ""):
        stream = client.begin(key=key)
        client.h2.send_data(stream, framed(BODY), end_stream=True)
        client.h2.reset_stream(stream, ErrorCodes.CANCEL)
    stream = client.begin()
    client.h2.send_data(stream, framed(BODY), end_stream=True)
    client.flush()
    assert client.wait(stream).status == 0


def test_a_client_that_only_takes_back_is_sent_away(gateway, dial):
    client = dial(gateway)
    assert client.call(BODY).status == 0
    for _ in range(30):
        for _ in range(10):
            client.h2.reset_stream(client.begin(), ErrorCodes.CANCEL)
        client.flush()
    assert client.until_gone().error_code == ErrorCodes.ENHANCE_YOUR_CALM


def test_an_answer_waits_for_the_clients_window(gateway, dial):
    client = dial(gateway, window=0)
    stream = client.begin()
    client.body(stream, framed(BODY))
    answer = client.answers[stream]
    while not answer.head:
        client.read()
    assert (answer.body, answer.ended) == (b"", False)
    client.h2.increment_flow_control_window(4, stream)
    client.flush()
    client.h2.increment_flow_control_window(1, stream)
    assert client.wait(stream).status == 0
    stream = client.begin()
    client.body(stream, framed(BODY))
    while not client.answers[stream].head:
        client.read()
    client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 100})
    assert client.wait(stream).body == bytes(5)


def test_a_client_that_says_goodbye_still_gets_its_answer(gateway, dial):
    client = dial(gateway)
    stream = client.begin()
    client.body(stream, framed(BODY)[:10], end=False)
    client.sock.sendall(GoAwayFrame(0, last_stream_id=0, error_code=0).serialize())
    client.body(stream, framed(BODY)[10:])
    assert client.wait(stream).status == 0
    client.until_closed()
    assert [one.otlp for one in gateway.envelopes()] == [BODY]


def test_more_streams_than_allowed_end_the_connection(gateway, dial):
    client = dial(gateway)
    client.h2.remote_settings.update({SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
    for _ in range(101):
        client.begin()
    client.flush()
    assert client.until_gone().error_code == ErrorCodes.PROTOCOL_ERROR


def test_a_head_over_the_limit_ends_the_connection(make_gateway, dial):
    client = dial(make_gateway(grpc=True, SPANMETER_MAX_HEADER_BYTES="2000"))
    client.begin(headers=[("spanmeter-property-x", "y" * 3000)])
    client.flush()
    assert client.until_gone().error_code == ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("step", [1000, 13])
def test_a_head_without_an_end_is_not_collected(gateway, step):
    client = GrpcClient(gateway.grpc_port)
    client.flush()
    frames = b"".join(
        len(part).to_bytes(3, "big") + bytes([9 if number else 1, 0]) + (1).to_bytes(4, "big") + part
        for number, part in enumerate([bytes(16_000)] * 5)
    )
    with contextlib.suppress(OSError):
        for at in range(0, len(frames), step):
            client.sock.sendall(frames[at : at + step])
    assert client.until_gone().error_code == ErrorCodes.ENHANCE_YOUR_CALM
    client.close()


def test_frame_lengths_are_followed_in_any_pieces():
    frames = [(0, 0), (0, 65536), (1, 3000), (9, 20), (0, 5), (1, 3000), (4, 0)]
    sent = b"".join(size.to_bytes(3, "big") + bytes([kind]) + bytes(5 + size) for kind, size in frames)
    for step in (1, 4, 5, 9, 1000, len(sent)):
        lengths = FrameLengths(header_bytes=2000)
        pieces = [sent[at : at + step] for at in range(0, len(sent), step)]
        assert [lengths.broken(piece) for piece in pieces] == [None] * len(pieces)
        assert lengths.broken(b"\x01\0\x01\0") == ErrorCodes.FRAME_SIZE_ERROR


def test_idle_connections_are_sent_away_and_bodies_that_stop_are_given_up(make_gateway, dial):
    gateway = make_gateway(grpc=True, SPANMETER_IDLE_TIMEOUT="0.5")
    client = dial(gateway)
    stream = client.begin()
    client.body(stream, framed(BODY)[:9], end=False)
    answer = client.wait(stream)
    assert (answer.status, answer.message) == (4, "The request's body stopped coming.")
    assert client.until_gone().error_code == ErrorCodes.NO_ERROR
    client.until_closed()


def test_requests_that_are_not_grpc_get_an_http_status(gateway, dial):
    client = dial(gateway)
    page = client.wait(client.begin("/v1/traces", headers=[("content-type", "application/x-protobuf")], end=True))
    assert (page.head[b":status"], page.head[b"spanmeter-error"]) == (b"415", b"unsupported_media_type")
    assert "'application/x-protobuf'" in page.message
    stream = client.begin("/metrics", headers=[(":method", "GET")], end=True)
    assert client.wait(stream).head[b":status"] == b"405"


def test_compressed_without_a_word_how(gateway, dial):
    client = dial(gateway)
    stream = client.begin(TRACES)
    packed = gzip.compress(BODY)
    client.body(stream, b"\1" + framed(packed)[1:])
    answer = client.wait(stream)
    assert (answer.status, "grpc-encoding" in answer.message) == (3, True)
