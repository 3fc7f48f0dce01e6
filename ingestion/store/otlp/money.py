"""Cost: what Python priced per distinct usage (ingestion/worker/price_file.py), joined by the hash of the usage."""

from ingestion.conventions import Field
from ingestion.records import BILLED_BY_GATEWAY, CALL_KINDS
from ingestion.store.otlp.attributes import quoted
from ingestion.store.otlp.traits import Traits

__all__ = ["CALL_NAME", "CHARGED", "MAY_REPEAT", "MONEY_COLUMNS", "USAGE_PARTS", "prices_source", "usage_key"]


def usage_key(traits: Traits) -> str:
    """Return the hash of everything that a price depends on."""
    hashed = (
        "provider_name",
        "model_used",
        traits.text(Field.MODEL_REQUESTED),
        "toInt64(intDiv(start_ns, 60000000000))",
        traits.text(Field.SERVICE_TIER),
        traits.text(Field.SPEED),
        traits.text(Field.REPORTED_COST),
        "used_buckets",
        "used_amounts",
    )
    return f"sipHash64({', '.join(hashed)})"


# The same things as columns of the staging table: what ingestion.store.staging.Usage holds behind its key.
USAGE_PARTS = (
    "provider", "model", "model_requested", "minute", "tier", "speed", "reported", "used_buckets", "used_amounts",
)  # fmt: skip

_PRICES = (
    "price_key UInt64, price_status String, price_reason String, price_cost Nullable(Decimal(18, 12)), "
    "price_currency String, price_usd Nullable(Decimal(18, 12)), price_details Map(String, Decimal(18, 12)), "
    "price_row String, price_rate String, price_disagreement String"
)
_BILLED = "billed_project UInt64, billed_response String"

# A call by the id of its answer, and where there is none by the span itself (ingestion/worker/responses.py).
CALL_NAME = "if(response_id != '', response_id, concat(trace_id, '/', span_id))"
MAY_REPEAT = f"kind IN ({', '.join(quoted(kind) for kind in CALL_KINDS)}) AND (billable OR response_id = '')"

CHARGED = (
    f"{MAY_REPEAT} AND (project_id, {CALL_NAME}) IN (SELECT billed_project, billed_response "
    f"FROM file(%(billed)s, JSONCompactEachRow, {quoted(_BILLED)})) AS twice, billable AND NOT twice AS charged"
)

MONEY_COLUMNS: dict[str, str] = {
    "billable": "charged",
    "cost": "if(charged, price_cost, NULL)",
    "cost_currency": "if(charged, price_currency, '')",
    "cost_usd": "if(charged, price_usd, NULL)",
    "cost_details": "if(charged, price_details, map())",
    "cost_status": "if(charged, price_status, 'not_billable')",
    "cost_reason": f"multiIf(charged, price_reason, twice, {quoted(BILLED_BY_GATEWAY)}, '')",
    "price_id": "if(charged, price_row, '')",
    "attributes": "mapConcat(attributes, mapFilter((k, v) -> v != '', map("
    "'spanmeter.exchange_rate', if(charged, price_rate, ''), "
    "'spanmeter.cost_disagreement', if(charged, price_disagreement, ''))))",
}


def prices_source(file: str) -> str:
    """Return the price file as a table."""
    return f"file({file}, JSONCompactEachRow, {quoted(_PRICES)})"
