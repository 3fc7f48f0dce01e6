"""Masks: what they find, what they leave, and that no text makes them slow."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.redact import PATTERNS, RedactionError, Redactor
from ingestion.settings import IngestSettings


@pytest.mark.parametrize(
    ("name", "text", "masked"),
    [
        ("email", "to ana.b+c@mail.example.co.in now", "to [redacted:email] now"),
        ("email", "a@b, @home, x@y.", "a@b, @home, x@y."),
        ("email", '"line\\nana@example.com"', '"line\\n[redacted:email]"'),
        ("phone", "call +91 98765 43210 or (415) 555-0132", "call [redacted:phone] or [redacted:phone]"),
        ("phone", "in 2026-11, 1234567 of 1.5", "in 2026-11, 1234567 of 1.5"),
        ("card", "4111 1111 1111 1111", "[redacted:card]"),
        ("card", "4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("card", "5500-0000-0000-0004 ok", "[redacted:card] ok"),
        ("ip", "from 10.0.0.1 to 300.1.1.1, v1.2.3.4.5", "from [redacted:ip] to 300.1.1.1, v1.2.3.4.5"),
        ("regex:EMP-\\d{4,6}", "EMP-1234 emp-1", "[redacted:custom] emp-1"),
    ],
)
def test_masks(name, text, masked):
    assert Redactor([name]).text(text) == masked


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abcdefghijklmnopqrstuvwx",
        "sk-proj-abc_def-ghijklmnopqrstuvwx",
        "sk-ant-api03-abcdefghijklmnopqrstuvwx",
        "sm-sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "xai-abcdefghijklmnopqrstuvwx",
        "gsk_abcdefghijklmnopqrstuvwx",
        "hf_abcdefghijklmnopqrstuvwx",
        "AIzaSyA-abcdefghijklmnopqrstuvwxyz0123",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "xoxb-123456789012-abcdefghijkl",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
    ],
)
def test_keys_are_masked_without_being_asked(secret):
    assert Redactor().text(f"use {secret}, please") == "use [redacted:secret], please"


@pytest.mark.parametrize("text", ["a task-force of risk-takers", "sk-short", "AKIA", "desk-abcdefghijklmnopqrstuvwxyz"])
def test_what_is_no_key_stays(text):
    assert Redactor().text(text) is text


def test_values_are_masked_inside_and_untouched_ones_are_the_same_objects():
    redactor = Redactor(["email"])
    value = {"a": [1, {"b": "ana@example.com"}], "c": {"d": "x"}}
    masked = redactor.value(value)
    assert masked == {"a": [1, {"b": "[redacted:email]"}], "c": {"d": "x"}}
    assert masked["c"] is value["c"]
    assert redactor.value(value["c"]) is value["c"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("adress", "'adress' is no pattern; known are secret, email"),
        ("regex:(", "is no regular expression"),
        ("regex:(a+)+b", "repeats need a bound"),
        ("regex:.*", "repeats need a bound"),
        ("regex:a{1,50}a{1,50}a{1,50}b", "more than 10000 ways"),
        ("regex:(a|a){1,20}b", "more than 10000 ways"),
        ("regex:(a)\\1", "references to groups"),
        ("regex:x{0,3}", "matches the empty text"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_way_out(name, words):
    with pytest.raises(RedactionError, match=re.escape(words)):
        Redactor([name])


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6 + "@",
        "a." * 500_000 + "@",
        "a@" + "a." * 500_000,
        "1" * 10**6,
        "1 " * 500_000,
        "( " * 500_000,
        "sk-" * 300_000,
        "-----BEGIN PRIVATE KEY-----" * 30_000,
    ],
)
def test_a_megabyte_of_near_misses_ends(text):
    Redactor(["email", "phone", "card", "ip"]).text(text)


@given(st.text(alphabet="a1@.-+( \\n\n"))
def test_any_text_is_left_or_masked(text):
    redactor = Redactor([*PATTERNS])
    masked = redactor.text(text)
    assert masked == text or "[redacted:" in masked
    if not redactor.touches(text):
        assert masked is text


def test_the_setting_keeps_a_comma_inside_a_repeat():
    names = IngestSettings.read({"SPANMETER_REDACT": r"email, regex:EMP-\d{4,6},card"}).redact
    assert names == ("email", r"regex:EMP-\d{4,6}", "card")
    assert Redactor(names).text("EMP-12345") == "[redacted:custom]"
