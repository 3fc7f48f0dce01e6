"""Token counts where the provider gave none: tiktoken's o200k_base, from ranks on disk, never from the network.

An estimate is marked as one and says how far off it may be; it never replaces a number that the provider gave, an
explicit zero included. Loading costs about 80 MB of memory and 0.3 s, paid only when the first estimate is needed.
"""

import binascii
import hashlib
import lzma
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from ingestion.json_shape import dumps
from ingestion.messages import Message, texts
from ingestion.usage import Basis, Bucket, Usage

__all__ = ["count", "error_of", "estimate"]

RANKS = Path(__file__).parent / "tokenizers" / "o200k_base.tiktoken.xz"
RANKS_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"

# The split pattern is part of the encoding's definition; a test holds it against the installed tiktoken.
PATTERN = "|".join(
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)

# Chat formats wrap each message in markers and a role, and prime the answer: about this many tokens.
PER_MESSAGE = 4
PER_REPLY = 3
_PIECE = 8192  # characters given to the encoder at once: pathological runs of one character stay cheap

_OWN_FAMILIES = ("gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss", "chatgpt-4o", "o1", "o3", "o4")
_NEAR_FAMILIES = ("gpt-4", "gpt-3.5", "text-embedding-", "davinci", "babbage")


def count(text: str) -> int:
    """Return the number of o200k_base tokens of a text."""
    if not text:
        return 0
    encoding = _encoding()
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return sum(len(encoding.encode_ordinary(clean[i : i + _PIECE])) for i in range(0, len(clean), _PIECE))


def estimate(
    *, inputs: Sequence[Message], outputs: Sequence[Message], tools: Any = None, answers: bool = True
) -> Usage:
    """Return an estimated usage, or one of basis NONE when there is no text to count. `answers=False`: an embedding."""
    reading = sum(map(count, texts(inputs)))
    if tools:
        reading += count(dumps(tools))
    thinking = sum(map(count, _contents(outputs, reasoning=True)))
    writing = sum(map(count, _contents(outputs, reasoning=False)))
    if not reading and not writing and not thinking:
        return Usage()
    quantities = {Bucket.INPUT: Decimal(reading)}
    if answers:
        quantities[Bucket.INPUT] += PER_MESSAGE * len(inputs) + PER_REPLY
        quantities[Bucket.OUTPUT] = Decimal(writing)
        if thinking:
            quantities[Bucket.REASONING] = Decimal(thinking)
    return Usage(quantities=quantities, basis=Basis.ESTIMATED)


def error_of(model: str) -> str:
    """Return how far an estimate for this model may be off, in words for people."""
    name = model.rsplit("/", 1)[-1].lower()
    if name.startswith("ft:"):
        name = name[3:]
    if name.startswith(_OWN_FAMILIES):
        return "o200k_base is this model's own encoding: exact for text, images and message markers are approximate"
    if name.startswith(_NEAR_FAMILIES):
        return "o200k_base is a close relative of this model's encoding: within about 10 % on English text"
    return "o200k_base is not this model's encoding: within about 30 % on English text, more on other scripts"


def _contents(messages: Iterable[Message], *, reasoning: bool) -> Iterable[str]:
    for one in messages:
        chosen = [part for part in one["parts"] if (part.get("type") == "reasoning") is reasoning]
        yield from texts(({"role": one["role"], "parts": chosen},))


@cache
def _encoding() -> Any:
    import tiktoken  # lazily: most installations never estimate

    content = lzma.decompress(RANKS.read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    if digest != RANKS_SHA256:
        raise RuntimeError(f"{RANKS.name}: SHA-256 is {digest}, expected {RANKS_SHA256}; reinstall the package")
    ranks = {
        binascii.a2b_base64(token): int(rank)
        for token, _, rank in (line.partition(b" ") for line in content.splitlines())
    }
    return tiktoken.Encoding("o200k_base", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
