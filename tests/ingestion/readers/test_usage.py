"""Usage objects to exclusive buckets: each rule with numbers a person can check."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.providers.shapes.anthropic_usage import merge_usage, read_anthropic_usage
from ingestion.providers.shapes.openai_usage import read_openai_usage, reported_cost
from ingestion.usage import Basis, TokenBasis


def openai(**usage):
    found, notes = read_openai_usage(usage)
    return {str(bucket): int(quantity) for bucket, quantity in found.quantities.items()}, found, notes


def test_prompt_includes_cached_and_completion_includes_reasoning():
    buckets, usage, notes = openai(
        prompt_tokens=100,
        completion_tokens=50,
        prompt_tokens_details={"cached_tokens": 30, "cache_write_tokens": 20, "image_tokens": 10},
        completion_tokens_details={"reasoning_tokens": 40},
    )
    assert buckets == {
        "input": 40,
        "cache_read": 30,
        "cache_write_5m": 20,
        "input_image": 10,
        "output": 10,
        "reasoning": 40,
    }
    assert (usage.input_tokens, usage.output_tokens) == (100, 50)
    assert usage.token_basis is TokenBasis.INCLUSIVE
    assert notes == ()


def test_more_cached_than_prompt_means_that_the_prompt_excludes_it():
    buckets, usage, notes = openai(prompt_tokens=10, completion_tokens=1, prompt_tokens_details={"cached_tokens": 90})
    assert buckets == {"input": 10, "cache_read": 90, "output": 1}
    assert usage.token_basis is TokenBasis.INFERRED
    assert "90" in notes[0]


def test_cached_audio_is_not_counted_twice():
    buckets, usage, _ = openai(
        prompt_tokens=100, completion_tokens=0, prompt_tokens_details={"cached_tokens": 60, "audio_tokens": 70}
    )
    assert buckets == {"input": 0, "cache_read": 30, "cache_read_audio": 30, "input_audio": 40, "output": 0}
    assert usage.input_tokens == 100


def test_completion_is_never_total_minus_prompt():
    buckets, _, _ = openai(prompt_tokens=100, total_tokens=900)
    assert buckets == {"input": 100}


def test_reasoning_beside_completion_is_added_when_the_total_proves_it():
    buckets, _, notes = openai(
        prompt_tokens=32,
        completion_tokens=9,
        total_tokens=135,
        completion_tokens_details={"reasoning_tokens": 94},
    )
    assert buckets == {"input": 32, "output": 9, "reasoning": 94}
    assert "beside" in notes[0]


def test_reasoning_inside_completion_stays_inside():
    buckets, _, _ = openai(
        prompt_tokens=32, completion_tokens=103, total_tokens=135, completion_tokens_details={"reasoning_tokens": 94}
    )
    assert buckets == {"input": 32, "output": 9, "reasoning": 94}


def test_contradictions_are_noted_and_never_negative():
    buckets, usage, notes = openai(
        prompt_tokens=10,
        completion_tokens=5,
        prompt_tokens_details={"image_tokens": 99},
        completion_tokens_details={"audio_tokens": 99},
    )
    assert buckets == {"input": 0, "input_image": 10, "output": 0, "output_audio": 5}
    assert len(notes) == 2
    assert '"image_tokens":99' in usage.raw


@pytest.mark.parametrize(
    "raw", [None, {}, [], "x", 3, {"prompt_tokens": None}, {"prompt_tokens": "9"}, {"total_tokens": 9}, {"cost": 1}]
)
def test_no_counts_no_usage(raw):
    usage, _ = read_openai_usage(raw)
    assert usage.basis is Basis.NONE
    assert usage.quantities == {}


def test_explicit_zero_is_usage():
    usage, _ = read_openai_usage({"prompt_tokens": 0, "completion_tokens": 0})
    assert usage.basis is Basis.PROVIDER


@pytest.mark.parametrize(
    ("raw", "cost"),
    [
        ({"cost": 0.00095}, Decimal("0.00095")),
        ({"cost": {"total_cost": 0.006}}, Decimal("0.006")),
        ({"estimated_cost": 1e-7}, Decimal("1E-7")),
        ({"cost": "?"}, None),
        (None, None),
    ],
)
def test_reported_cost(raw, cost):
    assert reported_cost(raw) == cost


def anthropic(**usage):
    found, notes = read_anthropic_usage(usage)
    return {str(bucket): int(quantity) for bucket, quantity in found.quantities.items()}, notes


def test_anthropic_input_excludes_the_cache():
    assert anthropic(input_tokens=5, cache_read_input_tokens=100, output_tokens=7)[0] == {
        "input": 5,
        "cache_read": 100,
        "output": 7,
    }


@pytest.mark.parametrize(
    ("total", "short", "long", "buckets", "noted"),
    [
        (300, 100, 200, {"cache_write_5m": 100, "cache_write_1h": 200}, False),
        (300, None, None, {"cache_write_5m": 300}, False),
        (300, 0, 300, {"cache_write_1h": 300}, False),
        (300, 0, 200, {"cache_write_5m": 100, "cache_write_1h": 200}, True),
        (300, 200, 200, {"cache_write_5m": 200, "cache_write_1h": 200}, True),
        (None, 100, 200, {"cache_write_5m": 100, "cache_write_1h": 200}, False),
        (0, 0, 0, {}, False),
    ],
)
def test_anthropic_cache_writes_by_lifetime(total, short, long, buckets, noted):
    found, notes = anthropic(
        input_tokens=0,
        output_tokens=0,
        cache_creation_input_tokens=total,
        cache_creation={"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
    )
    assert found == {"input": 0, "output": 0, **buckets}
    assert bool(notes) is noted


def test_cumulative_usage_the_last_word_wins_and_null_says_nothing():
    merged = merge_usage({"input_tokens": 5, "output_tokens": 1}, {"output_tokens": 40, "input_tokens": None})
    assert merged == {"input_tokens": 5, "output_tokens": 40}
    assert merge_usage(merged, "nonsense") == merged


NUMBER = st.none() | st.integers(-5, 2000) | st.floats(allow_nan=True) | st.text(max_size=3)
DETAILS = st.none() | st.dictionaries(
    st.sampled_from(["cached_tokens", "audio_tokens", "image_tokens", "reasoning_tokens", "cache_write_tokens"]), NUMBER
)


@given(
    st.dictionaries(
        st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"]), NUMBER
    ),
    DETAILS,
    DETAILS,
)
def test_any_numbers_give_non_negative_buckets(usage, prompt_details, completion_details):
    given_usage = {
        **usage,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": completion_details,
        "cache_creation": prompt_details,
    }
    for reader in (read_openai_usage, read_anthropic_usage):
        found, _ = reader(given_usage)
        assert all(quantity >= 0 for quantity in found.quantities.values())


@given(st.integers(0, 1000), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_parts_of_an_inclusive_prompt_add_up_to_it(prompt, cached, write, audio):
    found, _ = read_openai_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": write, "audio_tokens": audio},
        }
    )
    if found.token_basis is TokenBasis.INCLUSIVE:
        assert found.input_tokens == prompt
