"""Prices of GPU-hours from $SPANMETER_HOME/gpu_prices/*.toml, and the product's own table of grids.

The product brings no prices of GPUs: what one rents for is between its renter and its landlord, and a list price put
in its place would be a cost that nobody pays. A wrong file is refused loudly, naming the entry and the value.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from ingestion.gpu_money.energy import Grid, Grids
from ingestion.gpu_money.price import GpuPrice, GpuPrices, OverlappingPrices

__all__ = ["GpuPriceFileError", "load_gpu_prices", "load_grids"]

_KEYS = frozenset({"per_hour", "currency", "valid_from", "valid_to", "host", "gpu", "label", "source"})
_GRIDS = Path(__file__).parent / "grids.toml"


class GpuPriceFileError(ValueError):
    """A file of GPU prices cannot be used as it stands."""


def load_gpu_prices(home: Path) -> GpuPrices:
    """Return the installation's prices; none when it has written none down."""
    folder = home / "gpu_prices"
    try:
        return GpuPrices(price for path in sorted(folder.glob("*.toml")) for price in _prices(path))
    except OverlappingPrices as error:
        raise GpuPriceFileError(str(error)) from error


@cache
def load_grids() -> Grids:
    """Return the product's figures of grids."""
    return Grids(
        Grid(
            code=str(entry["code"]),
            grams_per_kwh=Decimal(str(entry["grams_per_kwh"])),
            valid_from=entry["valid_from"],
            source=str(entry["source"]),
        )
        for entry in tomllib.loads(_GRIDS.read_text(encoding="utf-8"))["grid"]
    )


def _prices(path: Path) -> Iterator[GpuPrice]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GpuPriceFileError(f"{path.name}: {error}") from error
    entries = content.get("gpu_price", [])
    if not isinstance(entries, list) or set(content) - {"gpu_price"}:
        raise GpuPriceFileError(f"{path.name}: expected [[gpu_price]] tables and nothing else")
    for number, entry in enumerate(entries, start=1):
        yield _price(entry, where=f"{path.name}, gpu_price {number}", stem=path.stem)


def _price(entry: Mapping[str, Any], *, where: str, stem: str) -> GpuPrice:
    strange = sorted(set(entry) - _KEYS)
    if strange:
        raise GpuPriceFileError(f"{where}: unknown key {strange[0]!r}; known are {', '.join(sorted(_KEYS))}")
    currency = _text(entry, "currency", where)
    if not re.fullmatch("[A-Z]{3}", currency):
        raise GpuPriceFileError(f'{where}: currency = {currency!r}; write an ISO 4217 code such as "INR"')
    valid_from = _day(entry, "valid_from", where)
    if valid_from is None:
        raise GpuPriceFileError(f"{where}: valid_from is missing; write a date such as 2026-09-20")
    valid_to = _day(entry, "valid_to", where)
    if valid_to is not None and valid_to <= valid_from:
        raise GpuPriceFileError(f"{where}: valid_to {valid_to} is not after valid_from {valid_from}")
    host, gpu = _text(entry, "host", where), _text(entry, "gpu", where).lower()
    label = _label(entry.get("label"), where)
    scope = "/".join(part for part in (host, gpu, "=".join(label) if label else "") if part) or "any"
    return GpuPrice(
        id=f"{scope}@{valid_from.isoformat()}#{stem}",
        per_hour=_amount(entry.get("per_hour"), where),
        currency=currency,
        valid_from=valid_from,
        valid_to=valid_to,
        host=host,
        model=gpu,
        label=label,
        source=_text(entry, "source", where),
    )


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise GpuPriceFileError(f"{where}: {key} = {value!r}; expected some text")
    return value


def _label(value: Any, where: str) -> tuple[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) != 1 or not all(isinstance(text, str) for text in value.values()):
        raise GpuPriceFileError(f'{where}: label = {value!r}; write one pair, such as {{ pool = "spot" }}')
    return next(iter(value.items()))


def _day(entry: Mapping[str, Any], key: str, where: str) -> date | None:
    value = entry.get(key)
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        raise GpuPriceFileError(f"{where}: {key} = {value!r}; write a date such as 2026-09-20, without quotes")
    return value


def _amount(value: Any, where: str) -> Decimal:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or amount < 0:
        raise GpuPriceFileError(f'{where}: per_hour = {value!r}; write the price of one GPU in quotes, such as "2.49"')
    return amount
