"""The message framing and the trailers, without a connection."""

import random
from base64 import b64decode

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from proxy.errors import CODES, Refusal
from proxy.grpc.frames import BadFraming, Message, MessageReader, MessageTooLarge, framed
from proxy.grpc.other_protocols import PREFACE, not_http2_answer
from proxy.grpc.status import trailers


def read(*pieces, most=10**6):
    reader = MessageReader(most=most)
    for piece in pieces:
        reader.feed(piece)
    return reader.whole()


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 5])
@pytest.mark.parametrize("flag", [0, 1])
def test_whole_byte_by_byte_and_in_any_pieces(body, flag):
    sent = bytes([flag]) + framed(body)[1:]
    expected = Message(bool(flag), body)
    assert read(sent) == expected
    assert read(*(sent[at : at + 1] for at in range(len(sent)))) == expected
    for seed in range(20):
        cuts = sorted(random.Random(seed).choices(range(len(sent) + 1), k=4))
        pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
        assert read(*pieces) == expected


def test_every_cut_is_told():
    sent = framed(b"a message")
    for cut in range(len(sent)):
        with pytest.raises(BadFraming, match=r"without a message|of the 5 bytes|cut off: \d+ of 9 bytes"):
            read(sent[:cut])


def test_what_is_no_message():
    with pytest.raises(BadFraming, match="found 2"):
        read(b"\x02\0\0\0\0")
    with pytest.raises(BadFraming, match="5 bytes follow the message of 1"):
        read(framed(b"x"), framed(b""))
    with pytest.raises(BadFraming, match="found 80"):
        read(b"POST / HTTP/1.1")


def test_a_large_claim_is_refused_before_it_comes():
    reader = MessageReader(most=100)
    reader.feed(b"\0\0\0\0")
    with pytest.raises(MessageTooLarge, match="101"):
        reader.feed(b"\x65")
    assert read(framed(bytes(100)), most=100).body == bytes(100)


def test_a_refusal_with_a_pause_says_it_where_clients_look():
    found = dict(trailers(Refusal(503, "spool_full", "Full: 100 %\n… try again.", retry_after=2)))
    assert found[b"grpc-status"] == b"14"
    assert found[b"grpc-message"] == b"Full: 100 %25%0A%E2%80%A6 try again."

    def decoded(name):
        return b64decode(found[name] + b"=" * (-len(found[name]) % 4))

    status = Status.FromString(decoded(b"grpc-status-details-bin"))
    assert (status.code, status.message) == (14, "Full: 100 %\n… try again.")
    (detail,) = status.details
    info = RetryInfo()
    assert detail.Unpack(info)
    assert info.retry_delay.seconds == 2
    assert RetryInfo.FromString(decoded(b"google.rpc.retryinfo-bin")) == info


def test_a_refusal_for_good_asks_for_no_second_try():
    names = dict(trailers(Refusal(413, "body_too_large", "Too large.")))
    assert names == {b"grpc-status": b"8", b"grpc-message": b"Too large.", b"spanmeter-error": b"body_too_large"}
    assert "body_too_large" in CODES


def test_any_text_can_be_a_message():
    value = dict(trailers(Refusal(400, "malformed_body", "".join(map(chr, range(300))) + "\ud800")))[b"grpc-message"]
    assert all(0x20 <= byte < 0x7F for byte in value)


def test_the_preface_is_that_of_http2():
    assert (len(PREFACE), PREFACE[:14]) == (24, b"PRI * HTTP/2.0")
    assert b"http://h:1/v1/traces" in not_http2_answer("http://h:1")
