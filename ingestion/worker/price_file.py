"""What the distinct usages of a batch cost, as a file that the engine joins: the price rule exists once, in price.py.

The survey names each distinct (provider, model, minute, usage) of a batch once; each is priced here exactly as a
gateway exchange is, tiers, windows, currencies and reasons included, so both doors agree to the last digit.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import orjson

from ingestion.currency import Rates
from ingestion.price import Priced, price, price_record
from ingestion.pricebook import PriceBook
from ingestion.records import SpanRecord
from ingestion.store.staging import Usage

__all__ = ["PriceFile"]

_USD = 5  # the place of the cost in US dollars in a line
_MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class PriceFile:
    """Prices usages with the book and the rates of the moment."""

    book: Callable[[], tuple[PriceBook, Rates]]

    def write(self, path: Path, usages: Collection[Usage]) -> frozenset[int]:
        """Write the cost of each usage, a line each: the columns are those of ingestion/store/otlp/money.py. Returns
        the keys of those that have a cost.
        """
        book, rates = self.book()
        rows = [_row(usage, book, rates) for usage in usages]
        path.write_bytes(b"\n".join(map(orjson.dumps, rows)) + b"\n")
        return frozenset(usage.key for usage, row in zip(usages, rows, strict=True) if row[_USD] is not None)


def _row(usage: Usage, book: PriceBook, rates: Rates) -> list[object]:
    quantities = {bucket: Decimal(amount) for bucket, amount in zip(usage.buckets, usage.amounts, strict=True)}
    if usage.tier or usage.speed or usage.reported:
        return _slow_row(usage, quantities, book, rates)
    priced = price(
        provider=usage.provider,
        model=usage.model,
        model_requested=usage.model_requested,
        usage=quantities,
        at_ns=usage.minute * _MINUTE_NS,
        book=book,
        rates=rates,
    )
    return _columns(usage.key, priced, "")


def _slow_row(usage: Usage, quantities: dict[str, Decimal], book: PriceBook, rates: Rates) -> list[object]:
    attributes = {"openai.response.service_tier": usage.tier, "anthropic.speed": usage.speed}
    record = price_record(
        SpanRecord(
            project_id=0,
            trace_id="",
            span_id="",
            start_ns=usage.minute * _MINUTE_NS,
            end_ns=0,
            received_ns=0,
            billable=True,
            provider=usage.provider,
            model=usage.model,
            model_requested=usage.model_requested,
            usage=quantities,
            reported_cost_usd=usage.reported_cost,
            attributes=attributes,
        ),
        book=book,
        rates=rates,
    )
    priced = Priced(
        status=record.cost_status,
        reason=record.cost_reason,
        cost=record.cost,
        currency=record.cost_currency,
        cost_usd=record.cost_usd,
        details=record.cost_details,
        price_id=record.price_id,
        rate=record.attributes.get("spanmeter.exchange_rate", ""),
    )
    return _columns(usage.key, priced, record.attributes.get("spanmeter.cost_disagreement", ""))


def _columns(key: int, priced: Priced, disagreement: str) -> list[object]:
    return [
        key,
        str(priced.status),
        priced.reason,
        None if priced.cost is None else f"{priced.cost:f}",
        priced.currency,
        None if priced.cost_usd is None else f"{priced.cost_usd:f}",
        {str(bucket): f"{cost:f}" for bucket, cost in priced.details.items()},
        priced.price_id,
        priced.rate,
        disagreement,
    ]
