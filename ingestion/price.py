"""What a call cost: its usage times the price row in force, or the reason why nobody knows. Pure; the clock is `at_ns`.

Unknown is None with a reason, never zero. A bucket without a price leaves the whole call unpriced, because a sum with a
hole in it looks like a cost. docs/pricing.md lists every reason and every fallback.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from operator import attrgetter
from typing import Any

from ingestion.currency import Rates
from ingestion.pricebook import Found, PriceBook, PriceRow, UnitPrice, utc
from ingestion.records import CostStatus, SpanRecord
from ingestion.usage import INPUT_BUCKETS, Bucket

__all__ = ["Priced", "price", "price_record"]

_STEP = Decimal("1e-12")  # the cost columns are Decimal(18, 12)
_LIMIT = Decimal(1_000_000)
_ZERO = Decimal(0)
_STANDARD_TIERS = frozenset({"", "default", "standard", "auto", "on_demand"})
_DISAGREEMENT = Decimal("0.05")
_FIELDS = tuple(one.name for one in fields(SpanRecord))
_VALUES = attrgetter(*_FIELDS)

# A bucket without its own price pays this one's. REASONING always: every provider bills it as output. The others only
# in rows that say `inherits`: genai-prices defines its input price as that of every input token without one of its own.
_PARENTS = {
    Bucket.REASONING: Bucket.OUTPUT,
    Bucket.CACHE_READ: Bucket.INPUT,
    Bucket.CACHE_WRITE_5M: Bucket.INPUT,
    Bucket.CACHE_WRITE_1H: Bucket.CACHE_WRITE_5M,
    Bucket.INPUT_AUDIO: Bucket.INPUT,
    Bucket.INPUT_IMAGE: Bucket.INPUT,
    Bucket.INPUT_VIDEO: Bucket.INPUT,
    Bucket.CACHE_READ_AUDIO: Bucket.CACHE_READ,
    Bucket.OUTPUT_AUDIO: Bucket.OUTPUT,
    Bucket.OUTPUT_IMAGE: Bucket.OUTPUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A cost, or why there is none."""

    status: CostStatus
    reason: str = ""
    cost: Decimal | None = None
    currency: str = ""
    cost_usd: Decimal | None = None
    details: dict[str, Decimal] = field(default_factory=dict)
    price_id: str = ""
    rate: str = ""  # the exchange rate used, in words; empty for US dollars


def price(
    *,
    provider: str,
    model: str,
    usage: Mapping[str, Decimal],
    at_ns: int,
    book: PriceBook,
    rates: Rates,
    model_requested: str = "",
    conditions: Mapping[str, str] | None = None,
) -> Priced:
    """Price one call. `conditions`: service_tier and the like, as the provider reported them."""
    if not usage:
        return Priced(status=CostStatus.NO_USAGE, reason="no_usage")
    name = model or model_requested
    if not name:
        return Priced(status=CostStatus.UNPRICED, reason="no_model")
    at = utc(at_ns)
    candidates = book.find(provider, model) if model else ()
    if not candidates and model_requested:
        candidates = book.find(provider, model_requested)
    chosen = _in_force(candidates, at)
    if chosen is None:
        if candidates:
            return Priced(status=CostStatus.UNPRICED, reason=f"no_price_at:{at.date().isoformat()}")
        return Priced(status=CostStatus.UNPRICED, reason=f"unknown_model:{_short(provider)}/{_short(name)}")
    found, row = chosen
    prices, price_id = row.prices, row.id
    if conditions:
        variant = found.prices.variant_at(at, conditions)
        if variant is not None and (variant.prices or conditions.get("service_tier", "") in _STANDARD_TIERS):
            if variant.prices:
                prices, price_id = {**prices, **variant.prices}, variant.id
        elif conditions.get("service_tier", "") not in _STANDARD_TIERS:
            return Priced(status=CostStatus.UNPRICED, reason=f"no_price_for_tier:{_short(conditions['service_tier'])}")
    return _sum(usage, prices, row=row, price_id=price_id, assumed=found.assumed, day=at, rates=rates)


def price_record(record: SpanRecord, *, book: PriceBook, rates: Rates) -> SpanRecord:
    """Return the span with its cost. What is not billable stays as its reader left it, reason included."""
    if not record.billable:
        return record
    if not record.usage:
        return replace(record, cost_status=CostStatus.NO_USAGE, cost_reason=record.cost_reason or "no_usage")
    priced = price(
        provider=record.provider,
        model=record.model,
        model_requested=record.model_requested,
        usage=record.usage,
        at_ns=record.start_ns,
        book=book,
        rates=rates,
        conditions=_conditions(record.attributes),
    )
    attributes = record.attributes
    disagreement = _disagreement(priced.cost_usd, record.reported_cost_usd)
    if priced.rate or disagreement:
        attributes = dict(attributes)
        if priced.rate:
            attributes["spanmeter.exchange_rate"] = priced.rate
        if disagreement:
            attributes["spanmeter.cost_disagreement"] = disagreement
    return _with(
        record,
        {
            "attributes": attributes,
            "cost": priced.cost,
            "cost_currency": priced.currency,
            "cost_usd": priced.cost_usd,
            "cost_details": priced.details,
            "cost_status": priced.status,
            "cost_reason": priced.reason,
            "price_id": priced.price_id,
        },
    )


def _with(record: SpanRecord, changes: Mapping[str, Any]) -> SpanRecord:
    """Do what dataclasses.replace does in half the time: every span of the gateway passes here, with 70 fields."""
    made = object.__new__(SpanRecord)
    assign = object.__setattr__
    for name, value in zip(_FIELDS, _VALUES(record), strict=True):
        assign(made, name, value)
    for name, value in changes.items():
        assign(made, name, value)
    return made


def _sum(
    usage: Mapping[str, Decimal],
    prices: Mapping[Bucket, UnitPrice],
    *,
    row: PriceRow,
    price_id: str,
    assumed: str,
    day: datetime,
    rates: Rates,
) -> Priced:
    input_tokens = sum((quantity for bucket, quantity in usage.items() if bucket in INPUT_BUCKETS), _ZERO)
    details: dict[str, Decimal] = {}
    assumptions = [f"priced_as:{assumed}"] if assumed else []
    total = _ZERO
    paid = False
    if Bucket.REQUESTS in prices and Bucket.REQUESTS not in usage:
        usage = {**usage, Bucket.REQUESTS.value: Decimal(1)}
    for bucket, quantity in usage.items():
        unit = prices.get(bucket)  # type: ignore[call-overload]  # a Bucket is its own text
        if unit is None:
            if not quantity:
                continue
            parent = _parent(bucket, prices, inherits=row.inherits)
            if parent is None:
                return Priced(status=CostStatus.UNPRICED, reason=f"no_price_for:{bucket}", price_id=price_id)
            unit = prices[parent]
            if bucket != Bucket.REASONING:
                assumptions.append(f"{bucket}_as_{parent}")
        amount = unit.amount_at(input_tokens) if unit.tiers else unit.amount
        cost = (amount * quantity / unit.per).quantize(_STEP, ROUND_HALF_EVEN)
        details[str(bucket)] = cost
        total += cost
        paid = paid or bool(amount and quantity)
    if total >= _LIMIT:
        return Priced(status=CostStatus.UNPRICED, reason="implausible_usage", price_id=price_id)
    status = CostStatus.PRICED if paid or not any(usage.values()) else CostStatus.FREE
    usd, rate = _to_usd(total, currency=row.currency, day=day, rates=rates)
    if usd is None:
        assumptions.append(f"no_rate:{row.currency}")
    return Priced(
        status=status,
        reason=" ".join(assumptions),
        cost=total,
        currency=row.currency,
        cost_usd=usd,
        details=details,
        price_id=price_id,
        rate=rate,
    )


def _in_force(candidates: tuple[Found, ...], at: datetime) -> tuple[Found, PriceRow] | None:
    for found in candidates:
        row = found.prices.row_at(at)
        if row is not None:
            return found, row
    return None


def _parent(bucket: str, prices: Mapping[Bucket, UnitPrice], *, inherits: bool) -> Bucket | None:
    if bucket == Bucket.REASONING:
        return Bucket.OUTPUT if Bucket.OUTPUT in prices else None
    if not inherits:
        return None
    if bucket == Bucket.CACHE_WRITE_1H and Bucket.CACHE_WRITE_5M in prices:
        return None  # an hour costs more than five minutes wherever cache writes have a price: a hole, not a fallback
    parent = _PARENTS.get(bucket)  # type: ignore[call-overload]
    while parent is not None and parent not in prices:
        parent = _PARENTS.get(parent)
    found: Bucket | None = parent
    return found


def _to_usd(cost: Decimal, *, currency: str, day: datetime, rates: Rates) -> tuple[Decimal | None, str]:
    if currency == "USD":
        return cost, ""
    rate = rates.at(currency, day.date())
    if rate is None:
        return None, ""
    return (cost / rate.per_usd).quantize(_STEP, ROUND_HALF_EVEN), rate.label


def _conditions(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the conditions that price rows know. A batch is `processing` in the lists, a tier in the answers."""
    conditions: dict[str, str] = {}
    tier = attributes.get("openai.response.service_tier", "")
    if tier:
        conditions["service_tier"] = tier
        if tier == "batch":
            conditions["processing"] = "batch"
    speed = attributes.get("anthropic.speed", "")
    if speed and speed != "standard":
        conditions["speed"] = speed
    return conditions


def _disagreement(computed: Decimal | None, reported: Decimal | None) -> str:
    if computed is None or reported is None or computed == reported:
        return ""
    if abs(computed - reported) <= _DISAGREEMENT * max(computed, reported):
        return ""
    return f"computed {computed.normalize():f} USD, reported {reported.normalize():f} USD"


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"
