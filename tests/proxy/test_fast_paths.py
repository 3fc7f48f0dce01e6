"""What is read without the parser means what the parser reads in it, and everything else is left to the parser."""

import queue
import sqlite3
from contextlib import closing

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.repeated import learn
from proxy.upstream import UpstreamConnection
from proxy.whole_answer import read_whole_answer
from tests.proxy.harness import RawClient, post
from tests.proxy.upstream import answer

HEAD = b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: %b\r\nX-One:two \r\n\r\n"
PAIRS = [(b"Host", b"a"), (b"X-One", b"two")]


def learnt(data, length=b"3", headers=PAIRS, method=b"POST"):
    return learn(data, method=method, target=b"/v1/x", headers=headers, length=length)


def test_the_same_head_with_another_length():
    head = learnt(HEAD % b"3" + b"abc")
    assert head.match(HEAD % b"12" + b"abc") == (b"12", len(HEAD % b"12"))
    assert head.match(HEAD % b"0") == (b"0", len(HEAD % b"0"))
    assert head.match(HEAD % b"3" + b"abcPOST /") is None, "more than one request"
    for digits in (b"", b"-1", b"+3", b"3 ", b" 3", b"0x3", b"3,3", b"1" * 16, "٣".encode()):
        assert head.match(HEAD % digits) is None
    whole = HEAD % b"12"
    for cut in range(len(whole)):
        assert head.match(whole[:cut]) is None
    for at in range(len(whole)):
        changed = whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :]
        found = head.match(changed)
        assert found is None or found[0] != b"12", "only the digits may differ"


@pytest.mark.parametrize(
    "data",
    [
        HEAD.replace(b"Host: a\r\n", b"Host: a\n") % b"3",
        HEAD.replace(b"Host: a", b"Host:\r\n a") % b"3",
        b"\r\n" + HEAD % b"3",
        HEAD.replace(b"Host: a\r\n", b"Host: a\r\nContent-Length: 3\r\n") % b"3",
        (HEAD % b"3")[:-2],
        HEAD.replace(b"Content-Length: %b", b"Content-Length: %b \t") % b"3",
    ],
)
def test_a_head_that_is_not_plain_is_not_learnt(data):
    assert learnt(data) is None


@pytest.mark.parametrize("name", [b"Connection", b"Upgrade", b"Expect", b"Transfer-Encoding"])
def test_a_head_with_words_about_the_connection_is_not_learnt(name):
    head = HEAD.replace(b"Host: a\r\n", b"Host: a\r\n" + name + b": x\r\n")
    assert learnt(head % b"3", headers=[PAIRS[0], (name, b"x"), PAIRS[1]]) is None


def test_repeated_requests_in_any_cut(gateway, upstream, connect):
    client = connect(gateway)
    bodies = [b"one", b"", b"three!" * 20, b"4", b"five"]
    for size in (10_000, 1, 7, 150):
        for body in bodies:
            whole = post(body=body)
            for start in range(0, len(whole), size):
                client.send(whole[start : start + size])
            assert client.answer()[1] == b'{"ok": true}'
    assert [one.body for one in upstream.requests] == bodies * 4
    assert [one.exchange.request_body for one in gateway.closes()] == bodies * 4
    assert upstream.connections == 1


def test_head_and_body_in_two_writes_then_the_next_request_with_the_end(gateway, upstream, connect):
    client = connect(gateway)
    client.send(post(body=b"first"))
    client.answer()
    second, third = post(body=b"second"), post(body=b"third")
    client.send(second[:-6])
    client.send(second[-6:-2])
    client.send(second[-2:] + third)
    client.answer()
    client.answer()
    assert [one.body for one in upstream.requests] == [b"first", b"second", b"third"]


def test_a_key_that_is_revoked_meanwhile_is_refused(gateway, upstream, connect):
    client = connect(gateway)
    for _ in range(2):
        client.send(post())
        client.answer()
    with closing(sqlite3.connect(gateway.home / "app.sqlite3")) as database, database:
        database.execute("UPDATE accounts_apikey SET revoked_at = '2026-01-01 00:00:00'")
    gateway.gateway.services.keys.load()
    client.send(post())
    client.until(b" 401 ")
    assert len(upstream.requests) == 2


class Parsed:
    """What the parser makes of an answer."""

    def __init__(self, data):
        self.headers, self.body, self.done = [], b"", False
        self.parser = httptools.HttpResponseParser(self)
        self.parser.feed_data(data)

    def on_header(self, name, value):
        self.headers.append((name, value))

    def on_body(self, piece):
        self.body += piece

    def on_headers_complete(self):
        self.keep_alive = self.parser.should_keep_alive()

    def on_message_complete(self):
        self.done = True


NAMES = [b"Date", b"x-request-id", b"Content-Length", b"content-type", b"Connection", b"a b", b"", b"T\xe9"]
VALUES = [b"3", b"03", b"+3", b"3, 3", b"", b" 3", b"3 ", b"keep-alive", b"close", b"a\tb", b"a\x00b", b"caf\xe9"]
names = st.sampled_from(NAMES)
values = st.one_of(st.sampled_from(VALUES), st.binary(max_size=6))
fields = st.lists(st.tuples(names, st.sampled_from([b": ", b":", b" : ", b":  "]), values), max_size=5)
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])


@given(st.sampled_from([b"200 OK", b"200", b"404 Not Found", b"500 "]), fields, ends, st.binary(max_size=4))
@settings(deadline=None, max_examples=600)
def test_a_whole_answer_is_what_the_parser_reads(status, lines, end, body):
    head = b"HTTP/1.1 " + status + end + b"".join(name + colon + value + end for name, colon, value in lines)
    data = head + b"Content-Length: %d" % len(body) + end + end + body
    found = read_whole_answer(data)
    if found is None:
        return
    parsed = Parsed(data)
    assert parsed.done
    assert parsed.keep_alive
    assert (parsed.parser.get_status_code(), parsed.body) == (found.status, found.body)
    passed = b"".join(found.lines).lower()
    for name, value in parsed.headers:
        assert (name + b": " + value).lower() in passed or name.lower() in {b"connection"}


WHOLE = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 2\r\n\r\nhi"


@pytest.mark.parametrize(
    "data",
    [
        WHOLE + b"!",
        WHOLE[:-1],
        WHOLE.replace(b"200 OK", b"204 No Content"),
        WHOLE.replace(b"200 OK", b"103 Early Hints"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WHOLE.replace(b"Server: x", b"Transfer-Encoding: chunked"),
        WHOLE.replace(b"Server: x", b"Connection: close"),
        WHOLE.replace(b"Server: x", b"Content-Length: 2"),
        WHOLE.replace(b"Server: x", b"Server: x\r\n folded"),
        WHOLE.replace(b"content-length: 2", b"content-length: 02x"),
        WHOLE.replace(b"content-length: 2\r\n", b""),
        b"\r\n" + WHOLE,
    ],
)
def test_what_is_left_to_the_parser(data):
    assert read_whole_answer(data) is None


def test_every_cut_of_an_answer_gives_the_same(make_gateway, make_upstream, connect):
    whole = answer()
    cuts = list(range(1, len(whole), 5))

    def script(connection):
        for cut in [0, *cuts]:
            connection.read_request()
            if cut:
                connection.send(whole[:cut])
                gate.get(timeout=10)
            connection.send(whole[cut:])

    gate: queue.Queue[int] = queue.Queue()
    for cut in cuts:
        gate.put(cut)
    upstream = make_upstream(script)
    gateway = make_gateway(upstream)
    client: RawClient = connect(gateway)
    heads = set()
    for _ in [0, *cuts]:
        client.send(post())
        head, body = client.answer()
        assert body == b'{"ok": true}'
        heads.add(head.partition(b"spanmeter-request-id")[0])
    assert len(heads) == 1
    assert upstream.connections == 1
    records = [one.exchange for one in gateway.closes()]
    assert len({(one.status, one.response_body, one.response_headers) for one in records}) == 1


def test_the_connection_keeps_no_parser_it_does_not_need():
    assert UpstreamConnection()._parser is None
