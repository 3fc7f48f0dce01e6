"""Token estimates: offline, the right encoding, marked."""

from decimal import Decimal

import pytest
import tiktoken_ext.openai_public  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import messages as m
from ingestion import tokens
from ingestion.usage import Basis, Bucket


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("hello world", 2), ("Hello, world!", 4), ("tiktoken is great!", 6), ("नमस्ते दुनिया", 5), ("\n\n\n", 1)],
)
def test_counts_of_known_texts(text, count):
    assert tokens.count(text) == count


def test_the_pattern_is_tiktokens_own(monkeypatch):
    monkeypatch.setattr(tiktoken_ext.openai_public, "load_tiktoken_bpe", lambda *_args, **_names: {})
    definition = tiktoken_ext.openai_public.o200k_base()
    assert definition["pat_str"] == tokens.PATTERN


def test_the_hash_is_the_one_that_tiktoken_checks(monkeypatch):
    seen: dict[str, str] = {}
    monkeypatch.setattr(
        tiktoken_ext.openai_public,
        "load_tiktoken_bpe",
        lambda _url, expected_hash: seen.setdefault("hash", expected_hash),
    )
    tiktoken_ext.openai_public.o200k_base()
    assert seen["hash"] == tokens.RANKS_SHA256


@settings(max_examples=50)
@given(st.text())
def test_any_text(text):
    assert bool(text) <= tokens.count(text) <= len(text.encode())
    assert tokens.count(text + "\ud800") > 0


def test_a_long_run_of_one_character_is_cheap():
    assert tokens.count("^" * 300_000) > 0


def test_an_estimate_counts_messages_tools_and_both_kinds_of_output():
    usage = tokens.estimate(
        inputs=[
            m.message("user", [m.text("hello world")]),
            m.message("tool", [m.tool_response(call_id="c", response={})]),
        ],
        outputs=[
            m.message(
                "assistant",
                [m.reasoning("hello"), m.text("hello world"), m.tool_call(call_id="c", name="hello", arguments="")],
            )
        ],
    )
    braces = tokens.count("{}")
    assert usage.quantities == {
        Bucket.INPUT: Decimal(2 + braces + 2 * tokens.PER_MESSAGE + tokens.PER_REPLY),
        Bucket.OUTPUT: Decimal(2 + 1),
        Bucket.REASONING: Decimal(1),
    }
    assert usage.basis is Basis.ESTIMATED


def test_nothing_to_count_is_no_estimate():
    image = m.message("user", [m.media("https://example.com/a.png", modality="image")])
    assert tokens.estimate(inputs=[image], outputs=[]).basis is Basis.NONE


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("gpt-4o-2024-08-06", "own encoding"),
        ("openai/gpt-5", "own encoding"),
        ("ft:gpt-4o-mini:acme", "own encoding"),
        ("gpt-3.5-turbo", "close relative"),
        ("claude-sonnet-4-5", "not this model's"),
        ("", "not this model's"),
    ],
)
def test_how_wrong_it_may_be(model, words):
    assert words in tokens.error_of(model)
