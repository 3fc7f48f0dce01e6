"""What an API asks for a model like one's own, and how busy one's own must be to cost no more. Pure.

"Like" is said of names alone: `meta-llama/Llama-3.1-8B-Instruct`, `llama3.1:8b` and `llama-v3p1-8b-instruct` are one
family. Whether the answers are as good, and the latency the same, no price says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from ingestion.currency import Rates
from ingestion.pricebook import ModelPrices, PriceBook
from ingestion.usage import Bucket

__all__ = ["ApiPrice", "Own", "api_prices", "break_even", "family_of", "own_price"]

_MILLION = Decimal(1_000_000)
_STEP = Decimal("0.000001")
_MOST = 20
# How a model was tuned, packed or named by a shop; what is left is its family, version and size.
_NOISE = re.compile(
    r"meta|instruct|instant|chat|it|hf|base|turbo|lite|versatile|free|fast|preview|latest|gguf|awq|gptq|onnx|mlx|"
    r"(?:b?fp?|int|w)\d+(?:a\d+)?|[48]bit|i?q\d.*|k|[sml]|xs|v0\.\d|v\d+:\d+|\d+k|\d{4,}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPrice:
    """A row of the price book, in US dollars. `per_million` is for the own mix of input and output; None without one.

    `ratio`: own price over this one. `break_even`: the share of the time at which both cost the same; over 1 is never.
    """

    provider: str
    model: str
    input: Decimal
    output: Decimal
    per_million: Decimal | None
    ratio: Decimal | None
    break_even: Decimal | None
    price_id: str
    source: str
    source_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What one's own tokens cost: US dollars per million, at this share of the time busy; and what share is input."""

    per_million: Decimal
    busy_share: Decimal
    input_share: Decimal


@lru_cache(maxsize=8192)
def family_of(name: str) -> frozenset[str]:
    """Return family, version and size of a model by its name; nothing when no word is left."""
    text = re.sub(r"\.(gguf|bin|safetensors)$", "", name.strip().lower().rsplit("/", 1)[-1])
    text = re.sub(r"^(?:[a-z]+\.)+(?=[a-z])", "", text)  # meta.llama…, us.meta.llama…
    text = re.sub(r"[-_]v\d+:\d+$", "", text)
    text = re.sub(r"v?(\d)p(\d)", r"\1.\2", text)
    text = re.sub(r"(?<=[a-z])(\d)-(\d)(?=-|$)|(?<=[a-z]-)(\d)-(\d)(?=-\d)", _dotted, text)
    words = [word for word in re.split(r"[-_:\s@]+", text) if word and not _NOISE.fullmatch(word)]
    parts = " ".join(re.sub(r"^([a-z]{2,})(?=\d)", r"\1 ", word) for word in words).split()
    return frozenset(parts) if any(re.match("[a-z]{2}", part) for part in parts) else frozenset()


def _dotted(found: re.Match[str]) -> str:
    return ".".join(group for group in found.groups() if group)


def own_price(
    *, per_million: Decimal | None, currency: str, rates: Rates, at: datetime, busy: float, given: int, made: int
) -> Own | None:
    """Return one's own price in US dollars; None while no token was counted, without a price, or without a rate."""
    usd = None if per_million is None else _dollars(per_million, currency, rates, at)
    if usd is None or given + made <= 0 or not 0 < busy <= 1:
        return None
    return Own(per_million=usd, busy_share=Decimal(repr(busy)), input_share=Decimal(given) / (given + made))


def break_even(own: Own, api: Decimal) -> Decimal | None:
    """Return the share of the time that the own GPUs must be busy, at the pace they had, to cost what the API does.

    The bill is the same however busy they are, so the price of a token falls as 1 / share. Over 1: at this pace never.
    None when the API asks nothing: what is free is not reached.
    """
    return own.busy_share * own.per_million / api if api > 0 else None


def api_prices(book: PriceBook, rates: Rates, model: str, *, at: datetime, own: Own | None) -> tuple[ApiPrice, ...]:
    """Return what the price book asks for models of this one's family, the cheapest first. Free trials are left out."""
    family = family_of(model)
    found: dict[tuple[str, Decimal, Decimal], ApiPrice] = {}
    for provider, prices in _families(book).get(family, ()) if family else ():
        row = prices.row_at(at)
        if row is None or Bucket.INPUT not in row.prices or Bucket.OUTPUT not in row.prices:
            continue
        unit = {bucket: row.prices[bucket].amount * _MILLION / row.prices[bucket].per for bucket in _BOTH}
        given, made = (_dollars(unit[bucket], row.currency, rates, at) for bucket in _BOTH)
        if given is None or made is None or given + made <= 0:
            continue
        mixed = None if own is None else given * own.input_share + made * (1 - own.input_share)
        found.setdefault(
            (provider, given, made),
            ApiPrice(
                provider=provider,
                model=row.model,
                input=given,
                output=made,
                per_million=None if mixed is None else mixed.quantize(_STEP),
                ratio=own.per_million / mixed if own is not None and mixed else None,
                break_even=break_even(own, mixed) if own is not None and mixed else None,
                price_id=row.id,
                source=row.source,
                source_url=row.source_url if row.source_url.startswith(("https://", "http://")) else "",
            ),
        )
    return tuple(sorted(found.values(), key=lambda one: (one.per_million or one.input + one.output, one.provider)))[
        :_MOST
    ]


_BOTH = (Bucket.INPUT, Bucket.OUTPUT)


@lru_cache(maxsize=2)
def _families(book: PriceBook) -> Mapping[frozenset[str], tuple[tuple[str, ModelPrices], ...]]:
    """Every model of the book by its family; the first list that has a model of a provider is the one that counts."""
    held: dict[frozenset[str], list[tuple[str, ModelPrices]]] = {}
    seen: set[tuple[str, str]] = set()
    for one in book.lists:
        for provider in one.providers.values():
            for prices in provider.models:
                key = (provider.id, prices.model.lower())
                if key not in seen:
                    seen.add(key)
                    held.setdefault(family_of(prices.model), []).append((provider.id, prices))
    return {family: tuple(models) for family, models in held.items()}


def _dollars(amount: Decimal, currency: str, rates: Rates, at: datetime) -> Decimal | None:
    if currency == "USD":
        return amount
    rate = rates.at(currency, at.date())
    return None if rate is None else amount / rate.per_usd
