"""Usage objects of OpenAI and of every server that speaks its dialect, to exclusive buckets.

Where each number lives is data (the tables below). Rules: prompt includes cached and audio tokens, completion includes
reasoning and audio tokens, unless the numbers themselves prove otherwise; no number is derived from `total`; nothing is
ever negative; contradictory numbers are kept raw and said in a note.
"""

from decimal import Decimal
from typing import Any

from ingestion.json_shape import as_count, as_decimal, as_dict, dumps, path_of
from ingestion.usage import Basis, Bucket, TokenBasis, Usage

__all__ = ["llama_timings_usage", "read_openai_usage", "reported_cost"]

Path = tuple[str, ...]

# First found wins. A comment names who says it that way.
PROMPT: tuple[Path, ...] = (("prompt_tokens",), ("input_tokens",))
COMPLETION: tuple[Path, ...] = (("completion_tokens",), ("output_tokens",))
CACHE_READ: tuple[Path, ...] = (
    ("prompt_tokens_details", "cached_tokens"),  # OpenAI chat, OpenRouter, vLLM, SGLang, Groq, x.ai
    ("input_tokens_details", "cached_tokens"),  # OpenAI Responses
    ("prompt_cache_hit_tokens",),  # DeepSeek
    ("cached_tokens",),  # Moonshot
    ("cache_read_input_tokens",),  # gateways that pass Anthropic's names on
)
CACHE_WRITE: tuple[Path, ...] = (
    ("prompt_tokens_details", "cache_write_tokens"),  # OpenAI, OpenRouter
    ("input_tokens_details", "cache_write_tokens"),
    ("prompt_tokens_details", "cache_creation_tokens"),
    ("cache_creation_input_tokens",),
)
INPUT_PARTS: tuple[tuple[Bucket, tuple[Path, ...]], ...] = (
    (Bucket.INPUT_AUDIO, (("prompt_tokens_details", "audio_tokens"), ("input_tokens_details", "audio_tokens"))),
    (Bucket.INPUT_IMAGE, (("prompt_tokens_details", "image_tokens"), ("input_tokens_details", "image_tokens"))),
    (Bucket.INPUT_VIDEO, (("prompt_tokens_details", "video_tokens"), ("input_tokens_details", "video_tokens"))),
)
REASONING: tuple[Path, ...] = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("reasoning_tokens",),  # Perplexity, some x.ai answers
)
OUTPUT_PARTS: tuple[tuple[Bucket, tuple[Path, ...]], ...] = (
    (Bucket.OUTPUT_AUDIO, (("completion_tokens_details", "audio_tokens"), ("output_tokens_details", "audio_tokens"))),
    (Bucket.OUTPUT_IMAGE, (("completion_tokens_details", "image_tokens"), ("output_tokens_details", "image_tokens"))),
)
SEARCHES: tuple[Path, ...] = (
    ("num_search_queries",),
    ("server_tool_use", "web_search_requests"),
)  # Perplexity; OpenRouter
COST: tuple[Path, ...] = (("cost",), ("cost", "total_cost"), ("estimated_cost",))  # OpenRouter; Perplexity; DeepInfra


def read_openai_usage(raw: Any, *, basis: Basis = Basis.PROVIDER) -> tuple[Usage, tuple[str, ...]]:
    """Return (usage, notes). A usage object without any count it could be billed by gives basis NONE."""
    usage = as_dict(raw)
    prompt = _first(usage, PROMPT)
    completion = _first(usage, COMPLETION)
    if prompt is None and completion is None:
        return Usage(raw=dumps(raw) if usage else ""), ()
    notes: list[str] = []
    quantities: dict[Bucket, Decimal] = {}
    token_basis: TokenBasis | None = None
    if prompt is not None:
        token_basis = _input(usage, prompt, quantities, notes)
    if completion is not None:
        _output(usage, prompt, completion, quantities, notes)
    searches = _first(usage, SEARCHES)
    if searches:
        quantities[Bucket.WEB_SEARCHES] = Decimal(searches)
    return Usage(quantities=quantities, basis=basis, token_basis=token_basis, raw=dumps(raw)), tuple(notes)


def llama_timings_usage(timings: Any, *, basis: Basis = Basis.PROVIDER) -> Usage:
    """Return the usage of llama.cpp's `timings`: prompt_n were processed, cache_n came from its KV cache."""
    found = as_dict(timings)
    processed, cached, predicted = (as_count(found.get(key)) for key in ("prompt_n", "cache_n", "predicted_n"))
    if processed is None or predicted is None:
        return Usage()
    quantities = {Bucket.INPUT: Decimal(processed), Bucket.OUTPUT: Decimal(predicted)}
    if cached:
        quantities[Bucket.CACHE_READ] = Decimal(cached)
    return Usage(quantities=quantities, basis=basis, token_basis=TokenBasis.EXCLUSIVE, raw=dumps({"timings": timings}))


def reported_cost(raw: Any) -> Decimal | None:
    """Return the cost in US dollars that the server itself reports, else None."""
    usage = as_dict(raw)
    for path in COST:
        cost = as_decimal(path_of(usage, *path))
        if cost is not None:
            return cost
    return None


def _input(usage: dict[str, Any], prompt: int, quantities: dict[Bucket, Decimal], notes: list[str]) -> TokenBasis:
    read = _first(usage, CACHE_READ) or 0
    write = _first(usage, CACHE_WRITE) or 0
    parts = {bucket: count for bucket, paths in INPUT_PARTS if (count := _first(usage, paths))}
    basis = TokenBasis.INCLUSIVE
    rest = prompt - read - write
    if rest < 0:
        # More cached than there was input: this server counts the uncached part only.
        basis = TokenBasis.INFERRED
        rest = prompt
        notes.append(f"cached tokens ({read + write}) exceed prompt tokens ({prompt}): the prompt count excludes them")
    for bucket, count in parts.items():
        if count > rest:
            overlap = count - rest
            if bucket is Bucket.INPUT_AUDIO and overlap <= read and basis is TokenBasis.INCLUSIVE:
                # Audio that was cached is counted in both details.
                quantities[Bucket.CACHE_READ_AUDIO] = Decimal(overlap)
                read -= overlap
            else:
                notes.append(f"{bucket} ({count}) exceeds what is left of the prompt ({rest} of {prompt})")
            count = rest
        rest -= count
        if count:
            quantities[bucket] = Decimal(count)
    quantities[Bucket.INPUT] = Decimal(rest)
    if read:
        quantities[Bucket.CACHE_READ] = Decimal(read)
    if write:
        quantities[Bucket.CACHE_WRITE_5M] = Decimal(write)
    return basis


def _output(
    usage: dict[str, Any], prompt: int | None, completion: int, quantities: dict[Bucket, Decimal], notes: list[str]
) -> None:
    reasoning = _first(usage, REASONING) or 0
    rest = completion
    if reasoning:
        total = as_count(usage.get("total_tokens"))
        if reasoning > completion or (prompt is not None and total == prompt + completion + reasoning):
            # x.ai counts reasoning beside completion; the total bears witness, it is never a source of numbers.
            notes.append(f"reasoning tokens ({reasoning}) are counted beside completion tokens ({completion})")
        else:
            rest -= reasoning
        quantities[Bucket.REASONING] = Decimal(reasoning)
    for bucket, paths in OUTPUT_PARTS:
        count = _first(usage, paths) or 0
        if count > rest:
            notes.append(f"{bucket} ({count}) exceeds what is left of the completion ({rest} of {completion})")
            count = rest
        rest -= count
        if count:
            quantities[bucket] = Decimal(count)
    quantities[Bucket.OUTPUT] = Decimal(rest)


def _first(usage: dict[str, Any], paths: tuple[Path, ...]) -> int | None:
    for path in paths:
        value: Any = usage
        for step in path:
            value = value.get(step) if type(value) is dict else None
        if value is not None and (count := as_count(value)) is not None:
            return count
    return None
