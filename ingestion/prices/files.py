"""TOML files of dated prices, exchange rates and provider names: the product's own beside this module, the
installation's in $SPANMETER_HOME/prices. The format: docs/pricing.md.

Refuses a wrong file loudly, naming the file, the entry, the value and what would be right: a price that is silently
skipped is a cost that is silently missing.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ingestion.currency import Rate, Rates
from ingestion.pricebook import Match, ModelPrices, PriceBook, PriceList, PriceRow, ProviderPrices, UnitPrice
from ingestion.prices.genai import genai_price_list
from ingestion.usage import Bucket

__all__ = ["PriceFileError", "load_pricebook", "load_rates", "read_price_list", "read_rates"]

OWN = Path(__file__).parent
_UNITS = {"per_unit": 1, "per_thousand": 1000, "per_million": 1_000_000, "per_hour": 3600}
_MATCHES = ("equals", "starts_with", "contains", "regex")
_ENTRY_KEYS = frozenset(
    {
        "provider",
        "model",
        "currency",
        "source",
        "checked",
        "valid_from",
        "valid_to",
        "when",
        "inherits",
        "note",
        "above",
    }
    | set(_UNITS)
    | set(_MATCHES)
)


class PriceFileError(ValueError):
    """A price or rate file cannot be used as it stands."""


def load_pricebook(*, home: Path | None = None) -> PriceBook:
    """Return the whole book: $SPANMETER_HOME/prices over the product's files over genai-prices."""
    lists = []
    if home is not None:
        lists.append(read_price_list(_files(home / "prices"), name="installation"))
    lists.append(read_price_list(_files(OWN), name="spanmeter"))
    lists.append(genai_price_list())
    return PriceBook(lists, aliases=_aliases())


def load_rates(*, home: Path | None = None) -> Rates:
    """Return the exchange rates of the product and the installation; the installation's win on the same day."""
    paths = _files(OWN) + (_files(home / "prices") if home is not None else [])
    return Rates(rate for path in paths for rate in read_rates(_content(path), file=path.name))


def read_price_list(paths: Iterable[Path], *, name: str) -> PriceList:
    """Return the prices of several files as one list."""
    rows: dict[str, dict[str, list[tuple[Match, PriceRow]]]] = {}
    urls: dict[str, re.Pattern[str]] = {}
    for path in paths:
        content = _content(path)
        for number, entry in enumerate(_tables(content, "price", path.name), start=1):
            match, row = _entry(entry, where=f"{path.name}, price {number}", stem=path.stem)
            rows.setdefault(row.provider, {}).setdefault(row.model, []).append((match, row))
        for entry in _tables(content, "provider", path.name):
            hosts = entry.get("hosts", [])
            urls[str(entry.get("id", ""))] = re.compile(
                "https://(?:" + "|".join(re.escape(str(host)) for host in hosts) + ")"
            )
    providers: dict[str, ProviderPrices] = {}
    for provider in rows.keys() | urls.keys():
        models = tuple(_model(model, held) for model, held in rows.get(provider, {}).items())
        providers[provider] = ProviderPrices(id=provider, models=models, url=urls.get(provider))
    return PriceList(name=name, providers=providers)


def read_rates(content: Mapping[str, Any], *, file: str) -> Iterable[Rate]:
    """Yield the exchange rates of a parsed file."""
    for number, entry in enumerate(_tables(content, "rate", file), start=1):
        where = f"{file}, rate {number}"
        currency = str(entry.get("currency", ""))
        if not re.fullmatch("[A-Z]{3}", currency):
            raise PriceFileError(f'{where}: currency = {currency!r}; write an ISO 4217 code such as "INR"')
        per_usd = _amount(entry.get("per_usd"), where=f"{where}, per_usd")
        if not per_usd:
            raise PriceFileError(f"{where}: per_usd must be above 0: how many {currency} one US dollar bought")
        valid_from = _day(entry.get("valid_from"), where=f"{where}, valid_from")
        if valid_from is None:
            raise PriceFileError(f"{where}: valid_from is missing; write a date such as 2026-09-20")
        yield Rate(currency=currency, per_usd=per_usd, valid_from=valid_from, source=str(entry.get("source", "")))


def _entry(entry: Mapping[str, Any], *, where: str, stem: str) -> tuple[Match, PriceRow]:
    strange = sorted(set(entry) - _ENTRY_KEYS)
    if strange:
        raise PriceFileError(f"{where}: unknown key {strange[0]!r}; known are {', '.join(sorted(_ENTRY_KEYS))}")
    for key in ("provider", "model", "currency", "source"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise PriceFileError(f"{where}: {key} = {entry.get(key)!r}; expected some text")
    provider, model = entry["provider"].lower(), entry["model"]
    prices: dict[Bucket, UnitPrice] = {}
    for unit, per in _UNITS.items():
        for name, amount in dict(entry.get(unit, {})).items():
            bucket = _bucket(name, where=f"{where}, {unit}")
            tiers = tuple(
                (int(tier["input_tokens"]), _amount(tier[unit][name], where=f"{where}, above"))
                for tier in sorted(entry.get("above", []), key=lambda one: int(one["input_tokens"]))
                if name in tier.get(unit, {})
            )
            prices[bucket] = UnitPrice(_amount(amount, where=f"{where}, {unit}.{name}"), per, tiers)
    if not prices:
        raise PriceFileError(f'{where}: no price; add a table such as per_million = {{ input = "0.10" }}')
    when = {str(key): str(value) for key, value in dict(entry.get("when", {})).items()}
    valid_from = _day(entry.get("valid_from"), where=f"{where}, valid_from")
    label = "".join(f":{value}" for value in when.values())
    dated = f"@{valid_from.isoformat()}" if valid_from else ""
    row = PriceRow(
        id=f"{provider}/{model}{label}{dated}#{stem}",
        provider=provider,
        model=model,
        currency=entry["currency"],
        prices=prices,
        source=stem,
        source_url=entry["source"],
        valid_from=valid_from,
        valid_to=_day(entry.get("valid_to"), where=f"{where}, valid_to"),
        when=when,
        inherits=entry.get("inherits") is True,
        note=str(entry.get("note", "")),
    )
    return _match(entry, model=model, where=where), row


def _model(model: str, held: list[tuple[Match, PriceRow]]) -> ModelPrices:
    dated = sorted(held, key=lambda pair: pair[1].valid_from or date.min)
    matches = [match for match, _ in dated]
    return ModelPrices(
        model=model,
        match=lambda name: any(match(name) for match in matches),
        rows=tuple(row for _, row in dated if not row.when),
        variants=tuple(row for _, row in dated if row.when),
    )


def _match(entry: Mapping[str, Any], *, model: str, where: str) -> Match:
    wanted: dict[str, list[str]] = {}
    for kind in _MATCHES:
        given = entry.get(kind, [])
        if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
            raise PriceFileError(f"{where}: {kind} = {given!r}; expected a list of texts")
        wanted[kind] = [one if kind == "regex" else one.lower() for one in given]
    if not any(wanted.values()):
        wanted["equals"] = [model.lower()]
    try:
        patterns = [re.compile(pattern) for pattern in wanted["regex"]]
    except re.error as error:
        raise PriceFileError(f"{where}: regex = {wanted['regex']!r}: {error}") from error
    equals, starts, contains = set(wanted["equals"]), tuple(wanted["starts_with"]), wanted["contains"]

    def match(name: str) -> bool:
        return (
            name in equals
            or (bool(starts) and name.startswith(starts))
            or any(piece in name for piece in contains)
            or any(pattern.search(name) for pattern in patterns)
        )

    return match


def _bucket(name: str, *, where: str) -> Bucket:
    try:
        return Bucket(name)
    except ValueError:
        raise PriceFileError(f"{where}: {name!r} is no unit; known are {', '.join(Bucket)}") from None


def _amount(value: Any, *, where: str) -> Decimal:
    """Prices are written as text, so that no float ever stands between the page and the ledger."""
    if isinstance(value, str) or type(value) is int:
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal(-1)
        if amount.is_finite() and amount >= 0:
            return amount
    raise PriceFileError(f'{where} = {value!r}; expected an amount in quotes, such as "29.28"')


def _day(value: Any, *, where: str) -> date | None:
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise PriceFileError(f"{where} = {value!r}; expected a date such as 2026-09-20, without quotes")


def _tables(content: Mapping[str, Any], name: str, file: str) -> list[Mapping[str, Any]]:
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise PriceFileError(f"{file}: {name!r} must be written as [[{name}]] tables")
    return found


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PriceFileError(f"{path}: cannot be read as TOML ({error})") from error


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml"))


def _aliases() -> dict[str, str]:
    content = _content(OWN / "providers.toml")
    return {str(alias): str(name) for alias, name in dict(content.get("aliases", {})).items()}
