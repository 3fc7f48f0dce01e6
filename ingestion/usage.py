"""The closed vocabulary of what a call can consume.

Buckets are exclusive: a token lies in exactly one, so cost is a plain sum of quantity x price.
Never holds a price; never guesses: a bucket that the provider did not report is absent, not zero.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

__all__ = ["INPUT_BUCKETS", "OUTPUT_BUCKETS", "Basis", "Bucket", "TokenBasis", "Usage"]


class Bucket(StrEnum):
    """Names as stored in `usage` and `cost_details` and shown. Units: tokens unless the name says otherwise."""

    INPUT = "input"  # uncached text input
    CACHE_READ = "cache_read"
    CACHE_WRITE_5M = "cache_write_5m"  # also when the provider does not say for how long
    CACHE_WRITE_1H = "cache_write_1h"
    INPUT_AUDIO = "input_audio"
    CACHE_READ_AUDIO = "cache_read_audio"
    INPUT_IMAGE = "input_image"
    INPUT_VIDEO = "input_video"
    OUTPUT = "output"  # text output without reasoning
    REASONING = "reasoning"
    OUTPUT_AUDIO = "output_audio"
    OUTPUT_IMAGE = "output_image"
    WEB_SEARCHES = "web_searches"
    REQUESTS = "requests"
    CHARACTERS = "characters"
    SECONDS = "seconds"
    PAGES = "pages"
    IMAGES = "images"


INPUT_BUCKETS = frozenset(
    {
        Bucket.INPUT,
        Bucket.CACHE_READ,
        Bucket.CACHE_WRITE_5M,
        Bucket.CACHE_WRITE_1H,
        Bucket.INPUT_AUDIO,
        Bucket.CACHE_READ_AUDIO,
        Bucket.INPUT_IMAGE,
        Bucket.INPUT_VIDEO,
    }
)
OUTPUT_BUCKETS = frozenset({Bucket.OUTPUT, Bucket.REASONING, Bucket.OUTPUT_AUDIO, Bucket.OUTPUT_IMAGE})


class Basis(StrEnum):
    """Where the numbers come from."""

    PROVIDER = "provider"
    PROVIDER_PARTIAL = "provider_partial"  # the provider's, but the stream broke before its last word
    ESTIMATED = "estimated"  # counted by us with tiktoken
    NONE = "none"


class TokenBasis(StrEnum):
    """Whether the source's input count included cached tokens."""

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Usage:
    """Quantities per bucket, with their basis and the provider's own words (JSON text)."""

    quantities: dict[Bucket, Decimal] = field(default_factory=dict)
    basis: Basis = Basis.NONE
    token_basis: TokenBasis | None = None
    raw: str = ""

    @property
    def input_tokens(self) -> int:
        """All input tokens, cached ones included."""
        return int(sum(quantity for bucket, quantity in self.quantities.items() if bucket in INPUT_BUCKETS))

    @property
    def output_tokens(self) -> int:
        """All output tokens, reasoning included."""
        return int(sum(quantity for bucket, quantity in self.quantities.items() if bucket in OUTPUT_BUCKETS))
