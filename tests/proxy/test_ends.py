"""How exchanges end when they do not end well: each is told to the client as what it is, and recorded as what was
seen.
"""

import threading
from typing import Any

import pytest

from ingestion.envelope import Kind, Outcome
from tests.proxy.harness import SECRET, post
from tests.proxy.upstream import answer

CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b"data: 1\n\n"
CHUNK = b"9\r\n" + EVENT + b"\r\n"


def wait_for_close(gateway):
    """The CLOSE of an exchange whose client cannot tell us when it is written."""
    for _ in range(500):
        if found := gateway.closes():
            return found[0].exchange
        threading.Event().wait(0.01)
    raise AssertionError("no CLOSE was written")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_upstream_that_breaks_in_mid_stream_is_not_a_clean_end(make_gateway, make_upstream, connect, how):
    go = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(CHUNKED + CHUNK)
        go.wait(10)
        getattr(connection, how)()

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    client.until(CHUNK)
    go.set()
    try:
        rest = client.to_the_end()
    except ConnectionResetError:
        rest = b""
    assert b"0\r\n\r\n" not in rest
    exchange = wait_for_close(gateway)
    assert exchange.outcome is Outcome.UPSTREAM_BROKE
    assert exchange.response_body == EVENT
    assert "closed the connection after" in exchange.outcome_detail


def test_a_broken_close_delimited_answer_resets_the_client(make_gateway, make_upstream, connect):
    go = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        go.wait(10)
        connection.reset()

    client = connect(make_gateway(make_upstream(script)))
    client.send(post())
    client.until(b"half")
    go.set()
    with pytest.raises(ConnectionResetError):
        client.to_the_end()


@pytest.mark.parametrize(
    ("said", "detail"),
    [(b"", "before it answered"), (b"HTTP/1.1 200", "closed the connection"), (b"SSH-2.0-x\r\n", "not HTTP")],
)
def test_no_answer_is_a_502_that_says_so(make_gateway, make_upstream, connect, said, detail):
    def script(connection):
        connection.read_request()
        connection.send(said)
        connection.close()

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    head, body = client.answer()
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"spanmeter-error: upstream_broke\r\n" in head
    assert detail.encode() in body
    (close,) = gateway.closes()
    assert close.exchange.outcome is Outcome.UPSTREAM_BROKE
    assert close.exchange.status == 0


def test_upstream_errors_pass_byte_for_byte(gateway, upstream, connect):
    body = b'{"error": {"message": "Rate limit", "type": "requests"}}'
    upstream.answer = answer(body, b"429 Slow Down", b"retry-after: 7\r\n")
    client = connect(gateway)
    client.send(post())
    head, received = client.answer()
    assert head.startswith(b"HTTP/1.1 429 Slow Down\r\nretry-after: 7\r\n")
    assert received == body
    assert b"spanmeter-error" not in head
    assert gateway.closes()[0].exchange.status == 429


def test_nobody_listens_upstream(make_gateway, make_upstream, connect):
    upstream = make_upstream()
    upstream.close()
    gateway = make_gateway(upstream)
    client = connect(gateway)
    client.send(post())
    head, body = client.answer()
    assert b" 502 " in head
    assert str(upstream.port).encode() in body
    assert b"SPANMETER_UPSTREAM_OPENAI" in body
    assert gateway.closes()[0].exchange.outcome is Outcome.UPSTREAM_UNREACHABLE
    client.send(post())
    assert b" 502 " in client.answer()[0], "the client's connection goes on"


def test_a_client_that_goes_cancels_the_upstream(make_gateway, make_upstream, connect):
    cancelled = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(CHUNKED + CHUNK)
        connection.client_went()
        cancelled.set()

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    client.until(CHUNK)
    client.close()
    assert cancelled.wait(10)
    exchange = wait_for_close(gateway)
    assert exchange.outcome is Outcome.CLIENT_GONE
    assert exchange.response_body == EVENT
    assert exchange.status == 200


def test_a_client_that_goes_before_any_answer(make_gateway, make_upstream, connect):
    arrived, cancelled = threading.Event(), threading.Event()

    def script(connection):
        connection.read_request()
        arrived.set()
        connection.client_went()
        cancelled.set()

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    assert arrived.wait(10)
    client.close()
    assert cancelled.wait(10)
    assert wait_for_close(gateway).outcome is Outcome.CLIENT_GONE


def test_an_upstream_that_is_silent_too_long(make_gateway, make_upstream, connect):
    gateway = make_gateway(make_upstream(lambda connection: connection.client_went()), SPANMETER_IDLE_TIMEOUT="0.2")
    client = connect(gateway)
    client.send(post())
    head, body = client.answer()
    assert b" 504 " in head
    assert b"SPANMETER_IDLE_TIMEOUT" in body
    assert gateway.closes()[0].exchange.outcome is Outcome.UPSTREAM_TIMEOUT


def test_an_early_answer_to_a_large_request(make_gateway, make_upstream, connect):
    def script(connection):
        connection.read_head()
        connection.send(answer(b"too large", b"413 Too Large"))
        connection.client_went()

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    head, _, body = post(body=bytes(1_000_000)).partition(b"\r\n\r\n")
    client.send(head + b"\r\n\r\n" + body[:10])
    assert client.answer()[1] == b"too large"
    assert gateway.closes()[0].exchange.status == 413


class TestStaleConnections:
    """A provider may close an idle connection just as it is used again."""

    @staticmethod
    def script(served):
        def serve(connection):
            served.append(connection.read_request().line)
            connection.send(answer(b"%d" % len(served)))
            connection.read_head()  # the next request is read and never answered
            served.append(b"swallowed")
            connection.close()

        return serve

    def test_a_get_is_sent_once_more(self, make_gateway, make_upstream, connect):
        served: list[Any] = []
        gateway = make_gateway(make_upstream(self.script(served)))
        client = connect(gateway)
        get = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nSpanmeter-Auth: Bearer " + SECRET.encode() + b"\r\n\r\n"
        client.send(get)
        client.answer()
        client.send(get)
        assert client.answer()[1] == b"3"
        assert len(gateway.closes()) == 2

    def test_a_post_is_never_sent_twice(self, make_gateway, make_upstream, connect):
        served: list[Any] = []
        gateway = make_gateway(make_upstream(self.script(served)))
        client = connect(gateway)
        client.send(post())
        client.answer()
        client.send(post())
        head, body = client.answer()
        assert b" 502 " in head
        assert b"not sent twice" in body
        assert served == [b"POST /v1/chat/completions HTTP/1.1", b"swallowed"]

    def test_a_connection_that_was_closed_while_idle_is_not_used(self, make_gateway, make_upstream, connect):
        closed = threading.Event()

        def script(connection):
            connection.read_request()
            connection.send(answer())
            connection.close()
            closed.set()

        upstream = make_upstream(script)
        client = connect(make_gateway(upstream))
        for _ in range(3):
            client.send(post())
            assert b" 200 " in client.answer()[0]
            assert closed.wait(10)
            closed.clear()
        assert upstream.connections == 3


def test_stopping_lets_the_answer_under_way_finish(make_gateway, make_upstream, connect):
    go = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(CHUNKED + CHUNK)
        go.wait(10)
        connection.send(b"0\r\n\r\n")

    gateway = make_gateway(make_upstream(script))
    client, idle = connect(gateway), connect(gateway)
    idle.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    idle.answer()
    client.send(post())
    client.until(CHUNK)
    stopping = threading.Thread(target=gateway.stop, kwargs={"grace": 10})
    stopping.start()
    try:
        assert idle.to_the_end() == b""
    except ConnectionResetError:
        pass
    go.set()
    assert client.to_the_end() == b"0\r\n\r\n"
    stopping.join(10)
    assert gateway.closes()[0].exchange.outcome is Outcome.COMPLETE


def test_stopping_records_what_it_cuts_off(make_gateway, make_upstream, connect):
    def script(connection):
        connection.read_request()
        connection.send(CHUNKED + CHUNK)
        connection.client_went()

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    client.until(CHUNK)
    gateway.stop(grace=0)
    exchange = gateway.closes()[0].exchange
    assert exchange.outcome is Outcome.SHUTDOWN
    assert exchange.response_body == EVENT


def test_what_takes_a_while_has_an_opening_record_meanwhile(make_gateway, make_upstream, connect):
    go = threading.Event()

    def script(connection):
        connection.read_request()
        go.wait(10)
        connection.send(answer())

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post(body=b"long"))
    while not (found := gateway.envelopes()):
        threading.Event().wait(0.002)
    assert [(one.kind, one.records, one.exchange.request_body) for one in found] == [(Kind.OPEN, 0, b"long")]
    go.set()
    client.answer()
    (close,) = gateway.closes()
    assert close.id == found[0].id
    assert len(gateway.envelopes()) == 2


def test_what_is_over_at_once_has_none(gateway, connect):
    client = connect(gateway)
    client.send(post())
    client.answer()
    gateway.in_loop(gateway.gateway.services.openings._step)
    gateway.in_loop(gateway.gateway.services.openings._step)
    gateway.in_loop(gateway.gateway.services.commit.flush)
    assert {one.kind for one in gateway.envelopes() if one.id == gateway.closes()[0].id} <= {Kind.OPEN, Kind.CLOSE}
    assert [one.kind for one in gateway.envelopes()].count(Kind.CLOSE) == 1


def test_whoever_sees_a_piece_of_an_answer_finds_its_record(make_gateway, make_upstream, connect):
    """However early the piece comes: no opening is due by its age here."""

    def script(connection):
        connection.read_request()
        connection.send(CHUNKED + CHUNK)
        connection.client_went()

    gateway = make_gateway(make_upstream(script))
    gateway.gateway.services.openings.add = lambda exchange: None
    client = connect(gateway)
    client.send(post(body=b"seen"))
    client.until(CHUNK)
    assert [(one.kind, one.exchange.request_body) for one in gateway.envelopes()] == [(Kind.OPEN, b"seen")]


def test_the_record_is_written_before_the_end_of_the_answer(make_gateway, make_upstream, connect):
    """The write of the spool is held back: everything but the last piece of the answer comes through."""
    ask, held, go = threading.Event(), threading.Event(), threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(CHUNKED + CHUNK)
        ask.wait(10)
        connection.send(b"0\r\n\r\n")

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    client.until(CHUNK)
    writer = gateway.gateway.services.commit.writer
    append = writer.append

    def slow(frames):
        held.set()
        assert go.wait(10)
        return append(frames)

    gateway.in_loop(lambda: setattr(writer, "append", slow))
    ask.set()
    assert held.wait(10)
    client.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.sock.recv(1)
    assert gateway.closes() == []
    client.sock.settimeout(10)
    go.set()
    assert client.until(b"0\r\n\r\n")
    assert len(gateway.closes()) == 1
