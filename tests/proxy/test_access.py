"""Who gets in, to where, and what the others are told."""

import json
import sqlite3
import threading
from base64 import b64encode

import pytest

from tests.proxy.harness import (
    EXPIRED,
    OTHER_PROJECT,
    OUTSIDER,
    PROJECT,
    PUBLIC,
    REVOKED,
    SECRET,
    UNKNOWN,
    add_key,
    make_database,
    post,
)


def error_of(body):
    document = json.loads(body)
    assert document["type"] == "error"
    return document["error"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(),
        post(key=None, headers=b"Helicone-Auth: Bearer " + SECRET.encode() + b"\r\n"),
        post(key=None, headers=b"spanmeter-auth: " + SECRET.encode() + b"\r\n"),
        post(f"/k/{SECRET}/v1/chat/completions", key=None),
        post(f"/k/{SECRET}/openai/v1/chat/completions", key=None),
    ],
    ids=["spanmeter-auth", "helicone-auth", "without bearer", "in the path", "in the path, provider named"],
)
def test_the_forms_of_a_key(gateway, upstream, connect, request_bytes):
    client = connect(gateway)
    client.send(request_bytes)
    assert b" 200 " in client.answer()[0]
    assert upstream.requests[0].line == b"POST /v1/chat/completions HTTP/1.1"
    assert SECRET.encode() not in upstream.requests[0].raw
    assert gateway.closes()[0].project_id == PROJECT
    for segment in (gateway.home / "spool").rglob("*.seg"):
        assert SECRET.encode() not in segment.read_bytes()


@pytest.mark.parametrize("secret", [UNKNOWN, REVOKED, EXPIRED, "x", "sk-proj-a-provider-key"])
def test_bad_keys_get_nowhere(gateway, upstream, connect, secret):
    client = connect(gateway)
    client.send(post(key=secret))
    head, body = client.answer()
    assert b" 401 Unauthorized\r\n" in head
    assert b"spanmeter-error: invalid_key" in head
    assert "revoked" in error_of(body)["message"]
    assert secret not in body.decode() or secret == "x"
    assert upstream.requests == []
    assert gateway.envelopes() == []


def test_no_key(gateway, upstream, connect):
    client = connect(gateway)
    client.send(post(key=None, headers=b"Authorization: Bearer " + SECRET.encode() + b"\r\n"))
    head, body = client.answer()
    assert b" 401 " in head
    assert "Spanmeter-Auth" in error_of(body)["message"]
    assert upstream.requests == []


def test_the_outsider_records_into_her_own_project_only(gateway, connect):
    client = connect(gateway)
    for secret in (SECRET, OUTSIDER, SECRET):
        client.send(post(key=secret))
        client.answer()
    assert [close.project_id for close in gateway.closes()] == [PROJECT, OTHER_PROJECT, PROJECT]


def test_a_key_works_as_soon_as_it_was_made_and_stops_when_revoked(gateway, home, connect):
    client = connect(gateway)
    client.send(post(key=UNKNOWN))
    assert b" 401 " in client.answer()[0]
    add_key(home, UNKNOWN)
    client.send(post(key=UNKNOWN))
    assert b" 200 " in client.answer()[0]
    with sqlite3.connect(home / "app.sqlite3") as database:
        database.execute("UPDATE accounts_apikey SET revoked_at = '2026-11-22 00:00:00'")
    database.close()
    gateway.gateway.services.keys.load()
    client.send(post(key=UNKNOWN))
    assert b" 401 " in client.answer()[0]


def test_a_database_that_goes_away_does_not_matter(gateway, home, connect):
    (home / "app.sqlite3").unlink()
    gateway.gateway.services.keys.load()
    assert gateway.gateway.services.keys.problem
    client = connect(gateway)
    client.send(post())
    assert b" 200 " in client.answer()[0]


def test_a_start_without_database_uses_the_snapshot_which_holds_no_secret(make_gateway, upstream, home, connect):
    make_gateway(upstream).stop()
    snapshot = (home / "gateway" / "keys.json").read_bytes()
    assert SECRET.encode() not in snapshot
    assert (home / "gateway" / "keys.json").stat().st_mode & 0o777 == 0o600
    (home / "app.sqlite3").unlink()
    client = connect(make_gateway(upstream))
    client.send(post())
    assert b" 200 " in client.answer()[0]


def test_a_start_with_nothing_lets_nobody_in_and_recovers(make_gateway, upstream, home, connect):
    (home / "app.sqlite3").unlink()
    gateway = make_gateway(upstream)
    client = connect(gateway)
    client.send(post())
    head, body = client.answer()
    assert b" 503 " in head
    assert b"spanmeter-error: keys_unavailable" in head
    assert "SPANMETER_DATABASE_URL" in error_of(body)["message"]
    client.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 503 " in client.answer()[0]
    make_database(home)
    client.send(post())
    assert b" 200 " in client.answer()[0]
    client.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 " in client.answer()[0]


@pytest.mark.parametrize(
    ("path", "headers", "line"),
    [
        ("/v1/embeddings", b"", b"POST /v1/embeddings HTTP/1.1"),
        ("/openai/v1/responses?x=1", b"", b"POST /v1/responses?x=1 HTTP/1.1"),
        ("/v1/messages", b"", b"POST /v1/messages HTTP/1.1"),
        ("/v1/messages/count_tokens", b"", b"POST /v1/messages/count_tokens HTTP/1.1"),
        ("/anthropic/v1/messages", b"", b"POST /v1/messages HTTP/1.1"),
        ("/v1/models", b"anthropic-version: 2023-06-01\r\n", b"POST /v1/models HTTP/1.1"),
        ("/my_vllm/v1/chat/completions", b"", b"POST /base/v1/chat/completions HTTP/1.1"),
        ("/My-VLLM/v1/x", b"", b"POST /base/v1/x HTTP/1.1"),
    ],
)
def test_routes(make_gateway, upstream, connect, path, headers, line):
    gateway = make_gateway(upstream, SPANMETER_UPSTREAM_MY_VLLM=upstream.url + "/base/")
    client = connect(gateway)
    client.send(post(path, headers=headers))
    client.answer()
    assert upstream.requests[0].line == line
    provider = gateway.closes()[0].exchange.provider
    expected = (
        "my_vllm" if "vllm" in path.lower() else "anthropic" if b"anthropic" in headers or "mess" in path else "openai"
    )
    assert provider == expected


@pytest.mark.parametrize(
    "path", ["/", "/nowhere/v1/chat", "/v2/chat", "/k/", "/k/x", "http://api.openai.com/v1/x", "*"]
)
def test_paths_that_lead_nowhere_say_what_would(gateway, upstream, connect, path):
    client = connect(gateway)
    client.send(post(path))
    head, body = client.answer()
    assert head.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
    assert error_of(body)["message"]
    assert upstream.requests == []


def test_the_record_names_the_upstream_and_hides_keys_in_the_query(gateway, upstream, connect):
    client = connect(gateway)
    client.send(post("/v1/x?key=AIzaSECRET&a=1&api_key=SECRET2&max_tokens=5&Access_Token=SECRET3"))
    client.answer()
    assert b"AIzaSECRET" in upstream.requests[0].line
    url = gateway.closes()[0].exchange.url
    assert url == f"{upstream.url}/v1/x?key=[redacted]&a=1&api_key=[redacted]&max_tokens=5&Access_Token=[redacted]"


class TestTargets:
    def send(self, gateway, connect, target, name=b"Spanmeter-Target-Url"):
        client = connect(gateway)
        client.send(post("/some/path", headers=name + b": " + target.encode() + b"\r\n"))
        return client.answer()

    @pytest.mark.parametrize("name", [b"Spanmeter-Target-Url", b"Helicone-Target-Url"])
    def test_a_host_named_in_full_may_be_private_and_plain(self, make_gateway, make_upstream, connect, name):
        target = make_upstream()
        gateway = make_gateway(SPANMETER_ALLOWED_TARGETS="127.0.0.1")
        head, _ = self.send(gateway, connect, target.url, name)
        assert b" 200 " in head
        assert target.requests[0].line == b"POST /some/path HTTP/1.1"
        assert gateway.closes()[0].exchange.provider == "custom"

    def test_an_upstream_is_trusted_with_its_port_only(self, make_gateway, make_upstream, connect):
        known, other = make_upstream(), make_upstream()
        gateway = make_gateway(known)
        assert b" 200 " in self.send(gateway, connect, known.url)[0]
        assert b" 403 " in self.send(gateway, connect, other.url)[0]
        gateway = make_gateway(SPANMETER_ALLOWED_TARGETS=f"127.0.0.1:{other.port}")
        assert b" 200 " in self.send(gateway, connect, other.url)[0]
        assert b" 403 " in self.send(gateway, connect, known.url)[0]

    @pytest.mark.parametrize(
        ("allowed", "target", "said"),
        [
            ("", "https://evil.example", "SPANMETER_ALLOWED_TARGETS"),
            ("*", "http://plain.example", "https"),
            ("*", "https://127.0.0.1:{port}", "not a public address"),
            ("*", "https://localhost:{port}", "not a public address"),
            ("*", "https://[::1]:{port}", "not a public address"),
            ("*", "https://169.254.169.254", "not a public address"),
            ("*", "https://[::ffff:10.0.0.1]", "not a public address"),
            ("*.example.com", "https://example.org", "SPANMETER_ALLOWED_TARGETS"),
            ("*", "ftp://x", "http"),
            ("*", "https://user:pw@host", "http"),
            ("*", "nonsense", "http"),
        ],
    )
    def test_everything_else_is_refused(self, make_gateway, make_upstream, connect, allowed, target, said):
        private = make_upstream()
        gateway = make_gateway(SPANMETER_ALLOWED_TARGETS=allowed)
        head, body = self.send(gateway, connect, target.format(port=private.port))
        assert head.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))
        assert said in error_of(body)["message"]
        assert private.connections == 0


class TestBadHttp:
    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /v1/x HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
            b"POST /v1/x HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            b"POST /v1/x HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"CONNECT api.openai.com:443 HTTP/1.1\r\n\r\n",
            b"POST /v1/x HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        ],
    )
    def test_what_is_not_http_is_a_400_and_the_end(self, gateway, upstream, connect, sent):
        client = connect(gateway)
        client.send(sent)
        whole = client.to_the_end()
        assert whole.startswith(b"HTTP/1.1 400 ")
        assert upstream.requests == []

    @pytest.mark.parametrize(
        "behind", [b"\x00\x01nonsense", b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/x HTTP/1.1\r\n: x\r\n"]
    )
    def test_a_good_request_before_nonsense_is_answered_first(self, gateway, upstream, connect, behind):
        client = connect(gateway)
        client.send(post() + behind)
        assert b" 200 " in client.answer()[0]
        assert client.to_the_end().startswith(b"HTTP/1.1 400 ")
        assert len(upstream.requests) == 1

    def test_a_large_head_is_a_431(self, make_gateway, upstream, connect):
        gateway = make_gateway(upstream, SPANMETER_MAX_HEADER_BYTES="2000")
        for sent in (post(headers=b"X-Large: " + b"x" * 3000 + b"\r\n"), b"GET /" + b"x" * 5000):
            client = connect(gateway)
            client.send(sent)
            head, body = client.answer()
            assert head.startswith(b"HTTP/1.1 431 ")
            assert b"SPANMETER_MAX_HEADER_BYTES" in body
        client = connect(gateway)
        client.send(post(body=bytes(10_000)))
        assert b" 200 " in client.answer()[0], "a large body is no large head"

    def test_a_head_that_never_ends_is_a_408(self, gateway, connect, monkeypatch):
        import proxy.server

        monkeypatch.setattr(proxy.server, "_HEAD_SECONDS", 0.1)
        client = connect(gateway)
        client.send(b"POST /v1/x HTTP/1.1\r\nHost:")
        assert client.answer()[0].startswith(b"HTTP/1.1 408 ")

    def test_a_body_that_turns_into_nonsense(self, gateway, upstream, connect):
        client = connect(gateway)
        client.send(post().partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        client.send(b"zzz\r\n")
        assert b"HTTP/1.1 400 " in client.to_the_end()

    def test_websockets_are_a_501(self, gateway, connect):
        client = connect(gateway)
        client.send(
            b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Spanmeter-Auth: Bearer " + SECRET.encode() + b"\r\nSec-WebSocket-Key: x\r\n\r\n"
        )
        head, body = client.answer()
        assert head.startswith(b"HTTP/1.1 501 ")
        assert "WebSocket" in error_of(body)["message"]

    def test_an_offer_of_http_2_is_not_taken_up(self, gateway, upstream, connect):
        client = connect(gateway)
        client.send(post(headers=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"))
        assert b" 200 " in client.answer()[0]
        names = {name.lower() for name, _ in upstream.requests[0].headers}
        assert names == {b"host", b"content-length"}

    def test_a_refused_large_request_still_gets_its_answer(self, gateway, connect):
        client = connect(gateway)
        sender = threading.Thread(target=client.send, args=(post(key=None, body=bytes(8_000_000)),))
        sender.start()
        assert client.answer()[0].startswith(b"HTTP/1.1 401 ")
        sender.join(10)


def test_pages(gateway, connect):
    client = connect(gateway)
    client.send(post())
    client.answer()
    for path, text in (
        ("/healthz", b"ok\n"),
        ("/readyz", b"ready\n"),
        ("/metrics", b'spanmeter_gateway_requests_total{route="openai",status="200"} 1\n'),
    ):
        client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, body = client.answer()
        assert b" 200 " in head
        assert text in body
    from prometheus_client.parser import text_string_to_metric_families

    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"spanmeter_gateway_in_flight", "spanmeter_gateway_upstream_first_byte_seconds"} <= names
    client.send(
        b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\nPOST /healthz HTTP/1.1\r\nHost: x\r\ncontent-length: 0\r\n\r\n"
    )
    client.until(b"\r\n\r\n")
    assert b" 405 " in client.answer()[0]


def test_basic_needs_the_right_public_key(gateway, connect):
    client = connect(gateway)
    for user, status in ((PUBLIC, b" 200 "), ("sm-pk-wrong", b" 401 "), ("", b" 200 ")):
        pair = b64encode(f"{user}:{SECRET}".encode())
        client.send(
            post(
                "/api/public/otel/v1/traces",
                b"",
                key=None,
                headers=b"Authorization: Basic " + pair + b"\r\nContent-Type: application/x-protobuf\r\n",
            )
        )
        assert status in client.answer()[0]
