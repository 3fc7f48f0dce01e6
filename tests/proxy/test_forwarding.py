"""Bytes through: what the upstream sent is what the client gets, at once, and what the client sent is what the
upstream gets.
"""

import queue
import threading
from typing import Any

import pytest

from ingestion.envelope import Kind, Outcome
from tests.proxy.harness import PROJECT, SECRET, post
from tests.proxy.upstream import answer, make_authority

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def only_close(gateway):
    (found,) = gateway.closes()
    return found.exchange


def test_request_and_answer_pass_untouched(gateway, upstream, connect):
    upstream.answer = answer(
        b"\x00\xffbinary", headers=b"X-Odd-CASE:  spaced \r\nContent-Encoding: br\r\nX-Latin: caf\xe9\r\n"
    )
    client = connect(gateway)
    body = b'{"model":"m",\n "x": "\xff\xfe"}'
    client.send(
        post("/v1/chat/completions?beta=1", body, headers=b"Authorization: Bearer sk-secret\r\nX-Raw: caf\xe9\r\n")
    )
    head, received = client.answer()
    assert received == b"\x00\xffbinary"
    assert b"X-Odd-CASE: spaced" in head
    assert b"Content-Encoding: br\r\n" in head
    assert b"X-Latin: caf\xe9\r\n" in head
    (request,) = upstream.requests
    assert request.line == b"POST /v1/chat/completions?beta=1 HTTP/1.1"
    assert request.body == body
    assert request.values(b"authorization") == [b"Bearer sk-secret"]
    assert request.values(b"x-raw") == [b"caf\xe9"]
    assert request.values(b"host") == [f"127.0.0.1:{upstream.port}".encode()]
    assert not request.values(b"spanmeter-auth")

    exchange = only_close(gateway)
    assert exchange.request_body == body
    assert exchange.response_body == b"\x00\xffbinary"
    assert (exchange.status, exchange.outcome) == (200, Outcome.COMPLETE)
    assert dict(exchange.request_headers)[b"authorization"] == b"[redacted]"
    assert dict(exchange.request_headers)[b"spanmeter-auth"] == b"[redacted]"
    assert dict(exchange.response_headers)[b"x-latin"] == b"caf\xe9"
    assert 0 < exchange.sent_after_ns <= exchange.first_byte_after_ns <= exchange.first_body_after_ns
    assert exchange.first_body_after_ns <= exchange.ended_after_ns


def test_the_answer_names_the_record(gateway, connect):
    client = connect(gateway)
    client.send(post())
    head, _ = client.answer()
    (close,) = gateway.closes()
    assert f"spanmeter-request-id: {close.id.hex()}".encode() in head.replace(b"-", b"").replace(
        b"spanmeterrequestid", b"spanmeter-request-id"
    )
    assert close.project_id == PROJECT
    assert close.records == 1
    assert {envelope.id for envelope in gateway.envelopes()} == {close.id}


def test_connections_are_kept_alive_on_both_sides(gateway, upstream, connect):
    client = connect(gateway)
    for number in range(5):
        client.send(post(body=b"%d" % number))
        client.answer()
    assert [request.body for request in upstream.requests] == [b"0", b"1", b"2", b"3", b"4"]
    assert upstream.connections == 1


def test_each_event_arrives_before_the_next_is_sent(make_gateway, make_upstream, connect):
    go: queue.Queue[Any] = queue.Queue()
    events = [b'data: {"n": %d}\n\n' % number for number in range(5)]

    def script(connection):
        connection.read_request()
        connection.send(CHUNKED)
        for event in events:
            go.get(timeout=10)
            connection.send(chunk(event))
        go.get(timeout=10)
        connection.send(b"0\r\n\r\n")

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    assert b"text/event-stream" in client.until(b"\r\n\r\n")
    for event in events:
        go.put(None)
        assert client.exactly(len(chunk(event))) == chunk(event)
    assert gateway.closes() == []
    go.put(None)
    assert client.until(b"0\r\n\r\n") == b"0\r\n\r\n"
    exchange = only_close(gateway)
    assert exchange.response_body == b"".join(events)
    assert exchange.marks[::2] == tuple(len(b"".join(events[: n + 1])) for n in range(5))
    assert list(exchange.marks[1::2]) == sorted(exchange.marks[1::2])


def test_an_answer_byte_by_byte(make_gateway, make_upstream, connect):
    body = b"data: one\n\ndata: two\r\n\r\n"
    whole = CHUNKED + chunk(body[:7]) + chunk(body[7:]) + b"0\r\nX-Trailer: yes\r\n\r\n"

    def script(connection):
        connection.read_request()
        for index in range(len(whole)):
            connection.send(whole[index : index + 1])

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    client.until(b"\r\n\r\n")
    received = b""
    while size := int(client.until(b"\r\n"), 16):
        received += client.exactly(size)
        client.exactly(2)
    assert received == body
    assert client.until(b"\r\n\r\n") == b"X-Trailer: yes\r\n\r\n"
    assert only_close(gateway).response_body == body


def test_a_request_byte_by_byte(gateway, upstream, connect):
    client = connect(gateway)
    whole = post(body=b"0123456789")
    for index in range(len(whole)):
        client.send(whole[index : index + 1])
    client.answer()
    assert upstream.requests[0].body == b"0123456789"
    assert only_close(gateway).request_body == b"0123456789"
    opens = [envelope for envelope in gateway.envelopes() if envelope.kind is Kind.OPEN]
    assert opens[-1:] == [] or opens[-1].exchange.request_body == b"0123456789", "the last OPEN has the whole request"


def test_a_request_body_is_passed_on_before_it_is_whole(make_gateway, make_upstream, connect):
    seen: queue.Queue[Any] = queue.Queue()

    def script(connection):
        head = connection.read_head()
        assert head.values(b"transfer-encoding") == [b"chunked"]
        while piece := connection.read_chunk():
            seen.put(piece)
        connection.send(answer())

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post().partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n")
    for piece in (b"first", b"second"):
        client.send(chunk(piece))
        assert seen.get(timeout=10) == piece
    client.send(b"0\r\n\r\n")
    assert client.answer()[1] == b'{"ok": true}'
    assert only_close(gateway).request_body == b"firstsecond"


def test_a_close_delimited_answer(make_gateway, make_upstream, connect):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil the end")
        connection.close()

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    whole = client.to_the_end()
    assert b"connection: close" in whole
    assert whole.endswith(b"\r\n\r\nuntil the end")
    assert only_close(gateway).outcome is Outcome.COMPLETE


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_answers_without_a_body(make_gateway, make_upstream, connect, status):
    def script(connection):
        for _ in range(2):
            connection.read_request()
            connection.send(b"HTTP/1.1 %b\r\netag: x\r\n\r\n" % status)

    upstream = make_upstream(script)
    client = connect(make_gateway(upstream))
    for _ in range(2):
        client.send(post())
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 " + status)
    assert upstream.connections == 1


def test_head_has_no_body_whatever_its_length_says(make_gateway, make_upstream, connect):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n")
        connection.read_request()
        connection.send(answer(b"after"))

    upstream = make_upstream(script)
    client = connect(make_gateway(upstream))
    auth = b"Spanmeter-Auth: Bearer " + SECRET.encode() + b"\r\n\r\n"
    client.send(b"HEAD /v1/models HTTP/1.1\r\nHost: x\r\n" + auth)
    assert b"content-length: 500" in client.until(b"\r\n\r\n")
    client.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + auth)
    assert client.answer()[1] == b"after"
    assert upstream.connections == 1


def test_interim_answers_pass(make_gateway, make_upstream, connect):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + answer(b"final"))

    client = connect(make_gateway(make_upstream(script)))
    client.send(post())
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    assert client.answer()[1] == b"final"


def test_pipelined_requests_are_answered_in_order(gateway, upstream, connect):
    client = connect(gateway)
    client.send(b"".join(post(body=b"n%d" % number) for number in range(4)))
    for _ in range(4):
        assert client.answer()[1] == b'{"ok": true}'
    assert [request.body for request in upstream.requests] == [b"n0", b"n1", b"n2", b"n3"]
    assert [close.exchange.request_body for close in gateway.closes()] == [b"n0", b"n1", b"n2", b"n3"]


def test_http_1_0_clients_get_a_plain_body_and_the_end(make_gateway, make_upstream, connect):
    def script(connection):
        connection.read_request()
        connection.send(CHUNKED + chunk(b"one") + chunk(b"two") + b"0\r\n\r\n")

    client = connect(make_gateway(make_upstream(script)))
    client.send(post().replace(b"HTTP/1.1", b"HTTP/1.0"))
    whole = client.to_the_end()
    assert b"transfer-encoding" not in whole
    assert whole.endswith(b"\r\n\r\nonetwo")


def test_connection_close_is_kept(gateway, connect):
    client = connect(gateway)
    client.send(post(headers=b"Connection: close\r\n"))
    whole = client.to_the_end()
    assert b"connection: close" in whole
    assert whole.endswith(b'{"ok": true}')


def test_expect_100_continue(gateway, upstream, connect):
    client = connect(gateway)
    head, _, body = post(headers=b"Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    client.send(head + b"\r\n\r\n")
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(body)
    client.answer()
    assert not upstream.requests[0].values(b"expect")


def test_hop_by_hop_headers_end_here(gateway, upstream, connect):
    client = connect(gateway)
    client.send(
        post(headers=b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\nX-End: 2\r\n"
             b"Spanmeter-User-Id: ann\r\nHelicone-Property-App: web\r\n")
    )  # fmt: skip
    client.answer()
    request = upstream.requests[0]
    names = {name.lower() for name, _ in request.headers}
    assert names == {b"host", b"content-length", b"x-end"}
    recorded = dict(gateway.closes()[0].exchange.request_headers)
    assert recorded[b"spanmeter-user-id"] == b"ann"
    assert recorded[b"helicone-property-app"] == b"web"


def test_a_body_of_50_mb_passes_whole_and_is_recorded_up_to_the_bound(make_gateway, make_upstream, connect):
    size = 50 * 1024 * 1024
    received: queue.Queue[Any] = queue.Queue()

    def script(connection):
        head = connection.read_head()
        left = int(head.values(b"content-length")[0]) - len(connection.rest)
        total = len(connection.rest)
        while left:
            piece = connection.sock.recv(1 << 20)
            left -= len(piece)
            total += len(piece)
        received.put(total)
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(50):
            connection.send(bytes(1024 * 1024))

    gateway = make_gateway(make_upstream(script), SPANMETER_CAPTURE_BYTES="1000")
    client = connect(gateway)
    sender = threading.Thread(target=client.send, args=(post(body=bytes(size)),))
    sender.start()
    assert received.get(timeout=60) == size
    client.until(b"\r\n\r\n")
    total = len(client.rest)
    while total < size:
        total += len(client.sock.recv(1 << 20))
    sender.join(10)
    assert total == size
    exchange = only_close(gateway)
    assert (exchange.request_bytes, len(exchange.request_body)) == (size, 1000)
    assert (exchange.response_bytes, len(exchange.response_body)) == (size, 1000)


def test_a_client_that_does_not_read_makes_the_upstream_wait(make_gateway, make_upstream, connect):
    sent = []
    blocked = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(CHUNKED)
        connection.sock.settimeout(1.0)
        try:
            for _ in range(400):
                connection.send(chunk(bytes(262144)))
                sent.append(1)
        except TimeoutError:
            blocked.set()
            connection.sock.settimeout(None)

    gateway = make_gateway(make_upstream(script))
    client = connect(gateway)
    client.send(post())
    client.until(b"\r\n\r\n")
    assert blocked.wait(60), "100 MB were taken from the upstream for a client that reads nothing"
    assert len(sent) < 200


def test_tls_upstream_is_verified(make_gateway, make_upstream, connect, tmp_path, monkeypatch):
    authority, context = make_authority(tmp_path)
    upstream = make_upstream(tls=context)
    untrusting = make_gateway(upstream)
    client = connect(untrusting)
    client.send(post())
    head, body = client.answer()
    assert b" 502 " in head
    assert b"certificate" in body.lower()
    untrusting.stop()

    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    client = connect(make_gateway(upstream))
    for _ in range(2):
        client.send(post())
        assert client.answer()[1] == b'{"ok": true}'
    assert [request.body for request in upstream.requests] == [b'{"model": "m"}'] * 2


def test_two_gateways_share_one_directory(make_gateway, upstream, connect):
    first, second = make_gateway(upstream), make_gateway(upstream)
    for gateway in (first, second, first):
        client = connect(gateway)
        client.send(post())
        client.answer()
    assert len(first.closes()) == 3
    assert len(list((first.home / "spool").iterdir())) == 2
