"""The price book: dated rows, how a model's name finds its row, which row was in force at a time. Pure values.

A row is never overwritten: a new price is a new row with a later `valid_from`, so what history cost stays true. Knows
nothing of files, packages, usage or money conversion.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal

from ingestion.usage import Bucket

__all__ = ["Found", "Match", "ModelPrices", "PriceBook", "PriceList", "PriceRow", "ProviderPrices", "UnitPrice", "utc"]

Match = Callable[[str], bool]  # of a model name in lower case

_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=$|[-:@])")
_DATE_SUFFIX = re.compile(r"[-@](?:20\d\d-\d\d-\d\d|20\d{6}|\d{4})$")
_CACHE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """An amount for `per` units; above a tier's number of input tokens the whole call pays the tier's amount."""

    amount: Decimal
    per: int = 1_000_000
    tiers: tuple[tuple[int, Decimal], ...] = ()  # (input tokens, amount), ascending

    def amount_at(self, input_tokens: Decimal) -> Decimal:
        """Return the amount that a call with so many input tokens, cached ones included, pays."""
        amount = self.amount
        for start, higher in self.tiers:
            if input_tokens > start:
                amount = higher
        return amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One price of one model, for one time. `valid_to` is exclusive."""

    id: str
    provider: str
    model: str
    currency: str
    prices: Mapping[Bucket, UnitPrice]
    source: str
    source_url: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    window: tuple[time, time] | None = None  # of the day, UTC; may cross midnight
    when: Mapping[str, str] = field(
        default_factory=dict
    )  # service_tier, processing, speed …: empty is the standard price
    inherits: bool = False  # a bucket without a price of its own pays its parent's: docs/pricing.md, "Fallbacks"
    note: str = ""

    def active(self, at: datetime) -> bool:
        """Tell whether the row was in force. `at` is in UTC."""
        day = at.date()
        if self.valid_from is not None and day < self.valid_from:
            return False
        if self.valid_to is not None and day >= self.valid_to:
            return False
        if self.window is not None:
            start, end = self.window
            now = at.time()
            return start <= now < end if start <= end else now >= start or now < end
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrices:
    """All rows of one model. Later rows take precedence; variants overlay the row in force."""

    model: str
    match: Match
    rows: tuple[PriceRow, ...]
    variants: tuple[PriceRow, ...] = ()
    first_row_is_default: bool = False  # the first row holds for every time that no later one covers

    def row_at(self, at: datetime) -> PriceRow | None:
        """Return the standard row in force, or None."""
        for row in reversed(self.rows):
            if row.active(at):
                return row
        return self.rows[0] if self.first_row_is_default and self.rows else None

    def variant_at(self, at: datetime, conditions: Mapping[str, str]) -> PriceRow | None:
        """Return the row for a service tier or the like in force, or None."""
        for row in reversed(self.variants):
            if row.active(at) and all(conditions.get(key) == value for key, value in row.when.items()):
                return row
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPrices:
    """One provider of one list."""

    id: str
    models: tuple[ModelPrices, ...]
    url: re.Pattern[str] | None = None  # matches the start of URLs that certainly are this provider's
    resells: tuple[str, ...] = ()  # providers whose list prices hold here too (Azure: OpenAI's)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """One source of prices."""

    name: str
    providers: Mapping[str, ProviderPrices]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The prices of a model. `assumed` is the name under which it was found when that is not quite its own."""

    prices: ModelPrices
    assumed: str = ""


class PriceBook:
    """Lists in order of precedence: the installation's own files, the product's files, genai-prices."""

    def __init__(self, lists: Iterable[PriceList], *, aliases: Mapping[str, str] | None = None) -> None:
        self.lists = tuple(lists)
        self._aliases = dict(aliases or {})
        self._found: dict[tuple[str, str], tuple[Found, ...]] = {}
        self._urls: dict[str, str] = {}

    def provider_id(self, name: str) -> str:
        """Return the provider's id in the lists for a route's or a convention's name of it."""
        name = name.strip().lower()
        return self._aliases.get(name, name)

    def provider_of_url(self, url: str) -> str:
        """Return the provider that a URL certainly belongs to, or an empty string."""
        known = self._urls.get(url)
        if known is not None:
            return known
        found = ""
        for one in self.lists:
            for provider in one.providers.values():
                if not found and provider.url is not None and _is_whole_host(provider.url.match(url), url):
                    found = provider.id
        if len(self._urls) >= _CACHE_SIZE:
            self._urls.clear()
        self._urls[url] = found
        return found

    def find(self, provider: str, model: str) -> tuple[Found, ...]:
        """Return the candidates for a model, by precedence: the first whose row was in force is the price."""
        key = (provider, model)
        found = self._found.get(key)
        if found is None:
            found = tuple(self._search(self.provider_id(provider), model.strip().lower()))
            if len(self._found) >= _CACHE_SIZE:
                self._found.clear()
            self._found[key] = found
        return found

    def rows(self) -> Iterable[PriceRow]:
        """Yield every row, for lists and look-ups by id."""
        for one in self.lists:
            for provider in one.providers.values():
                for prices in provider.models:
                    yield from prices.rows
                    yield from prices.variants

    def _search(self, provider: str, model: str) -> Iterable[Found]:
        for name, assumed in _names(provider, model, self.provider_id):
            for one in self.lists:
                held = one.providers.get(provider)
                for place in (held, *(one.providers.get(other) for other in (held.resells if held else ()))):
                    prices = _first_match(place, name)
                    if prices is not None:
                        yield Found(prices=prices, assumed=assumed)
                        break


def _first_match(provider: ProviderPrices | None, name: str) -> ModelPrices | None:
    if provider is None:
        return None
    return next((prices for prices in provider.models if prices.match(name)), None)


def _is_whole_host(match: re.Match[str] | None, url: str) -> bool:
    """Refuse api.openai.com.example.net: a pattern proves a provider only when the host name ends with the match."""
    if match is None:
        return False
    end = match.end()
    return end == len(url) or match.group()[-1:] in {"/", "."} or url[end] in "/:?"


def _names(provider: str, model: str, provider_id: Callable[[str], str]) -> Iterable[tuple[str, str]]:
    """Yield the names to try, each with what it assumes. A fine-tuned model costs more than its base: never assumed."""
    yield model, ""
    dashed = _COMPACT_DATE.sub(r"-\1-\2-\3", model)
    if dashed != model:
        yield dashed, ""
    prefix, slash, bare = model.partition("/")
    if slash and (prefix == "models" or provider_id(prefix) == provider):
        yield bare, ""
    else:
        bare = model
    if not bare.startswith("ft:"):
        undated = _DATE_SUFFIX.sub("", bare)
        if undated != bare:
            yield undated, undated


def utc(at_ns: int) -> datetime:
    """Return Unix nanoseconds as a datetime; a clock that cannot be right gives the epoch."""
    try:
        return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)
