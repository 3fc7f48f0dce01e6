"""Token counts under the names of the convention: input includes what was cached, output includes reasoning. Pure."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from spanmeter._attributes import COST

__all__ = ["cost_attributes", "usage_attributes"]

_PREFIX = "gen_ai.usage."
# What people and providers call them → the convention's current name.
_NAMES = {
    "input_tokens": "input_tokens",
    "prompt_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "completion_tokens": "output_tokens",
    "cache_read_tokens": "cache_read.input_tokens",
    "cached_tokens": "cache_read.input_tokens",
    "cache_read_input_tokens": "cache_read.input_tokens",
    "cache_write_tokens": "cache_write.input_tokens",
    "cache_creation_input_tokens": "cache_write.input_tokens",
    "reasoning_tokens": "reasoning.output_tokens",
    "input_audio_tokens": "audio.input_tokens",
    "output_audio_tokens": "audio.output_tokens",
    "input_image_tokens": "image.input_tokens",
    "output_image_tokens": "image.output_tokens",
}
# Details that OpenAI's objects nest: (the object, the name in it) → ours.
_NESTED = {
    ("prompt_tokens_details", "cached_tokens"): "cache_read_tokens",
    ("prompt_tokens_details", "audio_tokens"): "input_audio_tokens",
    ("input_tokens_details", "cached_tokens"): "cache_read_tokens",
    ("input_tokens_details", "cache_write_tokens"): "cache_write_tokens",
    ("completion_tokens_details", "reasoning_tokens"): "reasoning_tokens",
    ("completion_tokens_details", "audio_tokens"): "output_audio_tokens",
    ("output_tokens_details", "reasoning_tokens"): "reasoning_tokens",
}


def usage_attributes(usage: Any) -> dict[str, int]:
    """Return attributes of a mapping or a provider's usage object. What is no count is left out: unknown is not 0."""
    found: dict[str, int] = {}
    for name, key in _NAMES.items():
        count = _count(_get(usage, name))
        if count is not None:
            found.setdefault(_PREFIX + key, count)
    for (outer, inner), name in _NESTED.items():
        count = _count(_get(_get(usage, outer), inner))
        if count is not None:
            found.setdefault(_PREFIX + _NAMES[name], count)
    return found


def cost_attributes(cost: Any) -> dict[str, str]:
    """Return the reported cost in US dollars, digit for digit; raises ValueError for what is no amount."""
    try:
        amount = Decimal(str(cost))
    except InvalidOperation:
        raise ValueError(f"the cost is {cost!r}: expected an amount in US dollars") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"the cost is {cost!r}: expected an amount in US dollars")
    return {COST: format(amount, "f")}


def _get(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    return getattr(value, name, None) if value is not None else None


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 10**12 else None
