"""Anthropic's usage object to exclusive buckets: its input excludes the cache; cache writes are split by lifetime.

In a stream `message_delta` repeats the counts cumulatively: merged key by key, the last word wins.
"""

from decimal import Decimal
from typing import Any

from ingestion.json_shape import as_count, as_dict, dumps, path_of
from ingestion.usage import Basis, Bucket, TokenBasis, Usage

__all__ = ["merge_usage", "read_anthropic_usage"]


def read_anthropic_usage(raw: Any, *, basis: Basis = Basis.PROVIDER) -> tuple[Usage, tuple[str, ...]]:
    """Return (usage, notes); basis NONE when it says neither input nor output."""
    usage = as_dict(raw)
    given_input = as_count(usage.get("input_tokens"))
    given_output = as_count(usage.get("output_tokens"))
    if given_input is None and given_output is None:
        return Usage(raw=dumps(raw) if usage else ""), ()
    notes: list[str] = []
    quantities: dict[Bucket, Decimal] = {}
    if given_input is not None:
        quantities[Bucket.INPUT] = Decimal(given_input)
    read = as_count(usage.get("cache_read_input_tokens"))
    if read:
        quantities[Bucket.CACHE_READ] = Decimal(read)
    _cache_writes(usage, quantities, notes)
    if given_output is not None:
        details = as_dict(usage.get("output_tokens_details"))
        thinking = as_count(details.get("thinking_tokens")) or as_count(details.get("reasoning_tokens")) or 0
        if thinking > given_output:
            notes.append(f"thinking tokens ({thinking}) exceed output tokens ({given_output})")
            thinking = given_output
        quantities[Bucket.OUTPUT] = Decimal(given_output - thinking)
        if thinking:
            quantities[Bucket.REASONING] = Decimal(thinking)
    searches = as_count(path_of(usage, "server_tool_use", "web_search_requests"))
    if searches:
        quantities[Bucket.WEB_SEARCHES] = Decimal(searches)
    return Usage(quantities=quantities, basis=basis, token_basis=TokenBasis.EXCLUSIVE, raw=dumps(raw)), tuple(notes)


def merge_usage(earlier: dict[str, Any], later: Any) -> dict[str, Any]:
    """Return the usage after a later event; a null there says nothing and takes nothing back."""
    merged = dict(earlier)
    merged.update({key: value for key, value in as_dict(later).items() if value is not None})
    return merged


def _cache_writes(usage: dict[str, Any], quantities: dict[Bucket, Decimal], notes: list[str]) -> None:
    total = as_count(usage.get("cache_creation_input_tokens"))
    split = as_dict(usage.get("cache_creation"))
    short = as_count(split.get("ephemeral_5m_input_tokens")) or 0
    long = as_count(split.get("ephemeral_1h_input_tokens")) or 0
    if total is not None and short + long != total:
        if short + long < total:
            if short or long:
                notes.append(f"cache writes by lifetime ({short} + {long}) fall short of their total ({total})")
            short = total - long  # the lifetime of the rest is not said: 5 minutes is the default
        else:
            notes.append(f"cache writes by lifetime ({short} + {long}) exceed their total ({total})")
    if short:
        quantities[Bucket.CACHE_WRITE_5M] = Decimal(short)
    if long:
        quantities[Bucket.CACHE_WRITE_1H] = Decimal(long)
