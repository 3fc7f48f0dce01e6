"""What calls cost, as rate x tokens that a person can redo, and why some have no cost."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.currency import Rate, Rates
from ingestion.exchange import read_exchange
from ingestion.price import price, price_record
from ingestion.pricebook import PriceBook, PriceRow
from ingestion.prices.files import PriceFileError, load_pricebook, load_rates, read_price_list, read_rates
from ingestion.records import CostStatus
from ingestion.usage import Bucket
from tests.ingestion.readers.recorded import envelope, load

D = Decimal
M = 1_000_000


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


SEPTEMBER = ns("2026-09-21")
NOVEMBER = ns("2026-11-22")


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_pricebook()


@pytest.fixture(scope="module")
def rates() -> Rates:
    return load_rates()


@pytest.fixture
def cost(book, rates):
    def of(provider, model, *, at=SEPTEMBER, conditions=None, requested="", own=None, **usage):
        return price(
            provider=provider,
            model=model,
            model_requested=requested,
            usage={bucket: D(quantity) for bucket, quantity in usage.items()},
            at_ns=at,
            book=own or book,
            rates=rates,
            conditions=conditions,
        )

    return of


@pytest.mark.parametrize(
    ("provider", "model", "usage", "expected"),
    [
        # $2.50 in, $1.25 cached, $10 out per million
        (
            "openai",
            "gpt-4o-2024-08-06",
            {"input": 176, "cache_read": 1024, "output": 172, "reasoning": 128},
            D("2.50") * 176 / M + D("1.25") * 1024 / M + D("10") * 300 / M,
        ),
        ("openai", "gpt-4o-mini", {"input": 1000, "output": 500}, D("0.15") * 1000 / M + D("0.60") * 500 / M),
        ("openai", "text-embedding-3-small", {"input": 2000}, D("0.02") * 2000 / M),
        # $3 in, $0.30 cached, $3.75 and $6 cache writes, $15 out; $10 per thousand searches
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            {
                "input": 50,
                "cache_read": 2000,
                "cache_write_5m": 100,
                "cache_write_1h": 200,
                "output": 40,
                "web_searches": 1,
            },
            (D("3") * 50 + D("0.30") * 2000 + D("3.75") * 100 + D("6") * 200 + D("15") * 40) / M + D("10") / 1000,
        ),
        # above 200,000 input tokens, cached ones included, every bucket pays the higher tier
        (
            "anthropic",
            "claude-sonnet-4-5",
            {"input": 1000, "cache_read": 199_001, "output": 100},
            (D("6") * 1000 + D("0.60") * 199_001 + D("22.50") * 100) / M,
        ),
        (
            "anthropic",
            "claude-sonnet-4-5",
            {"input": 1000, "cache_read": 199_000, "output": 100},
            (D("3") * 1000 + D("0.30") * 199_000 + D("15") * 100) / M,
        ),
        ("openrouter", "openai/gpt-4o", {"input": 1000}, D("2.50") * 1000 / M),
        ("openai", "openai/gpt-4o", {"input": 1000}, D("2.50") * 1000 / M),
        ("azure.ai.openai", "gpt-4o-2024-08-06", {"input": 1000}, D("2.50") * 1000 / M),
    ],
)
def test_rate_times_tokens(cost, provider, model, usage, expected):
    priced = cost(provider, model, **usage)
    assert (priced.status, priced.cost, priced.currency) == (CostStatus.PRICED, expected, "USD")
    assert priced.cost_usd == expected
    assert sum(priced.details.values()) == priced.cost
    assert priced.reason == ""


def test_rupees_become_dollars_at_the_dated_rate(cost):
    priced = cost("sarvam", "sarvam-105b", input=1000, cache_read=200, output=500)
    rupees = (D("29.28") * 1000 + D("10.98") * 200 + D("73.2") * 500) / M
    assert (priced.cost, priced.currency) == (rupees, "INR")
    assert priced.cost_usd == (rupees / D("94.96")).quantize(D("1e-12"))
    assert priced.rate == "94.96 INR/USD from 2026-06-01"
    assert priced.price_id == "sarvam/sarvam-105b@2026-09-20#sarvam"


def test_before_its_first_day_a_price_is_unknown(cost):
    priced = cost("sarvam", "sarvam-105b", at=ns("2026-09-19"), input=1)
    assert (priced.status, priced.cost, priced.reason) == (CostStatus.UNPRICED, None, "no_price_at:2026-09-19")


def test_history_keeps_its_price(cost):
    """o3 went from $10 to $2 per million input tokens on 2025-06-10."""
    before, after = (
        cost("openai", "o3", at=ns("2025-06-09"), input=M),
        cost("openai", "o3", at=ns("2025-06-10"), input=M),
    )
    assert (before.cost, after.cost) == (D(10), D(2))
    assert before.price_id != after.price_id
    assert "@2025-06-10#genai-prices-" in after.price_id


@pytest.mark.parametrize(
    ("provider", "model", "reason"),
    [
        ("openai", "smollm2", "unknown_model:openai/smollm2"),
        ("openai", "foo", "unknown_model:openai/foo"),
        ("custom", "gpt-4o", "unknown_model:custom/gpt-4o"),
        ("nobody", "gpt-4o", "unknown_model:nobody/gpt-4o"),
        ("openai", "anthropic/claude-sonnet-4-5", "unknown_model:openai/anthropic/claude-sonnet-4-5"),
        ("openai", "", "no_model"),
    ],
)
def test_unknown_is_none_with_a_reason_never_zero(cost, provider, model, reason):
    priced = cost(provider, model, input=10)
    assert (priced.status, priced.cost, priced.cost_usd, priced.reason) == (CostStatus.UNPRICED, None, None, reason)


def test_the_answers_model_is_priced_and_the_requests_when_that_is_unknown(cost):
    assert cost("azure", "gpt-4o-2024-08-06", requested="my-deployment", input=M).cost == D("2.50")
    assert cost("openai", "a-file.gguf", requested="gpt-4o-mini", input=M).cost == D("0.15")


def test_a_fine_tuned_model_is_never_priced_as_its_base(cost):
    assert cost("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", input=M).cost == D("0.3")
    assert cost("openai", "ft:gpt-5-2030-01-01:acme::abc", input=M).status is CostStatus.UNPRICED


def test_an_unknown_date_of_a_known_model_is_priced_as_it_and_says_so(cost):
    priced = cost("openai", "gpt-4.1-2027-01-01", input=M)
    assert (priced.cost, priced.reason) == (D(2), "priced_as:gpt-4.1")


def test_a_bucket_without_a_price_leaves_the_call_unpriced(cost):
    priced = cost("sarvam", "gemma-4-31b-it", input=10, cache_read=5, output=1)
    assert (priced.cost, priced.reason) == (None, "no_price_for:cache_read")
    priced = cost("anthropic", "claude-sonnet-4-5", input=10, seconds=3)
    assert (priced.cost, priced.reason) == (None, "no_price_for:seconds")


def test_fallbacks_are_named(cost):
    priced = cost("openai", "gpt-4", input=10, cache_read=M)
    assert priced.reason == "cache_read_as_input"
    assert priced.details["cache_read"] == D(30)
    assert cost("sarvam", "sarvam-105b", reasoning=M).cost == D("73.2")


def test_service_tiers(cost):
    tier = lambda name: {"service_tier": name}  # noqa: E731
    assert cost("openai", "gpt-5", at=NOVEMBER, conditions=tier("default"), input=M).cost == D("1.25")
    flex = cost("openai", "gpt-5", at=NOVEMBER, conditions=tier("flex"), input=M)
    assert (flex.cost, flex.price_id.split("#")[0]) == (D("0.625"), "openai/gpt-5:flex@2026-10-12")
    assert cost("openai", "gpt-5", at=NOVEMBER, conditions=tier("priority"), input=M).cost == D("2.5")
    batch = cost("openai", "gpt-5", at=NOVEMBER, conditions={"service_tier": "batch", "processing": "batch"}, output=M)
    assert batch.cost == D(5)


def test_a_tier_whose_price_nobody_knows_is_unpriced(cost):
    priced = cost("openai", "gpt-5", at=SEPTEMBER, conditions={"service_tier": "flex"}, input=M)
    assert (priced.cost, priced.reason) == (None, "no_price_for_tier:flex")


def test_zero_usage_costs_zero_and_no_usage_costs_nobody_knows(cost):
    zero = cost("openai", "gpt-4o", input=0, output=0)
    assert (zero.status, zero.cost) == (CostStatus.PRICED, D(0))
    assert cost("openai", "gpt-4o").status is CostStatus.NO_USAGE


def test_an_absurd_quantity_has_no_cost(cost):
    assert cost("openai", "gpt-4o", output=10**11).reason == "implausible_usage"


def own_list(tmp_path: Path, text: str) -> PriceBook:
    (tmp_path / "prices").mkdir(exist_ok=True)
    (tmp_path / "prices" / "ours.toml").write_text(text)
    return load_pricebook(home=tmp_path)


LOCAL = """
[[price]]
provider = "openai"
model = "smollm2"
contains = ["smollm2"]
currency = "USD"
source = "https://example.com/why-this-much"
valid_from = 2026-01-01
per_million = { input = "0.02", output = "0.08" }

[[price]]
provider = "openai"
model = "smollm2"
currency = "USD"
source = "https://example.com/why-this-much"
valid_from = 2026-10-01
per_million = { input = "0", output = "0" }
"""


def test_an_installation_prices_its_own_models(cost, tmp_path):
    own = own_list(tmp_path, LOCAL)
    priced = cost("openai", "SmolLM2-135M.gguf", own=own, input=M)
    assert (priced.cost, priced.price_id) == (D("0.02"), "openai/smollm2@2026-01-01#ours")
    free = cost("openai", "smollm2", own=own, at=NOVEMBER, input=M, output=5)
    assert (free.status, free.cost) == (CostStatus.FREE, D(0))
    assert cost("openai", "smollm2", own=own, at=ns("2025-12-31"), input=M).reason == "no_price_at:2025-12-31"


def test_an_installations_row_wins_only_while_it_holds(cost, tmp_path):
    own = own_list(
        tmp_path,
        '[[price]]\nprovider = "openai"\nmodel = "gpt-4o"\ncurrency = "EUR"\nsource = "our contract"\n'
        'valid_from = 2026-02-01\nvalid_to = 2026-03-01\nper_million = { input = "1" }\n',
    )
    inside = cost("openai", "gpt-4o", own=own, at=ns("2026-02-28T23:59:59"), input=M)
    assert (inside.cost, inside.currency, inside.cost_usd, inside.reason) == (D(1), "EUR", None, "no_rate:EUR")
    for day in ("2026-01-31", "2026-03-01"):
        assert cost("openai", "gpt-4o", own=own, at=ns(day), input=M).cost == D("2.5")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("per_million = { input", "per_milion = { input"), "unknown key 'per_milion'"),
        (('"0.02"', "0.02"), "expected an amount in quotes"),
        (('"0.02"', '"-1"'), "expected an amount in quotes"),
        (("input", "inputs"), "'inputs' is no unit; known are input, cache_read"),
        (("2026-01-01", '"soon"'), "expected a date such as"),
        (('currency = "USD"', ""), "currency = None"),
        (('contains = ["smollm2"]', 'regex = ["("]'), "regex ="),
        (('contains = ["smollm2"]', 'contains = "smollm2"'), "expected a list of texts"),
        (("[[price]]", "[price"), "cannot be read as TOML"),
    ],
)
def test_a_wrong_file_says_where_and_what(tmp_path, change, message):
    with pytest.raises(PriceFileError, match=r"ours\.toml") as error:
        own_list(tmp_path, LOCAL.replace(change[0], change[1], 1))
    assert message in str(error.value)


def test_rates_hold_from_their_day(rates):
    own = Rates(
        [
            Rate(currency="INR", per_usd=D(90), valid_from=date(2026, 1, 2)),
            Rate(currency="INR", per_usd=D(91), valid_from=date(2026, 2, 1)),
        ]
    )
    assert own.at("INR", date(2026, 1, 1)) is None
    assert own.at("XAU", date(2026, 1, 3)) is None
    found = [own.at("INR", day) for day in (date(2026, 1, 31), date(2027, 1, 1))]
    assert [rate.per_usd for rate in found if rate] == [D(90), D(91)]
    assert rates.at("INR", date(2026, 3, 15)).per_usd == D("92.8182")


@pytest.mark.parametrize(
    "entry", [{"currency": "rupee"}, {"currency": "INR", "per_usd": "0"}, {"currency": "INR", "per_usd": "9"}]
)
def test_a_wrong_rate_is_refused(entry):
    with pytest.raises(PriceFileError):
        list(read_rates({"rate": [entry]}, file="x.toml"))


def test_every_id_of_the_book_is_one_row(book):
    seen: dict[str, PriceRow] = {}
    for row in book.rows():
        assert seen.setdefault(row.id, row) is row, row.id
        assert row.source_url.startswith("https://") or "genai-prices" in row.source


def test_the_light_reading_of_genai_prices_prices_as_the_package_does(cost):
    from genai_prices import Usage, data
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    compared = 0
    for provider in data.providers:
        for model in provider.models:
            for day in ("2025-05-01T03:00:00", "2026-11-22T12:00:00"):
                at = datetime.fromisoformat(day).replace(tzinfo=UTC)
                usage = {"input": 1000, "output": 300}
                try:
                    theirs = snapshot.calc(Usage(input_tokens=1000, output_tokens=300), model.id, provider.id, None, at)
                except (LookupError, ValueError):
                    continue
                ours = cost(provider.id, model.id, at=ns(day), **usage)
                if ours.status is CostStatus.UNPRICED:
                    assert ours.reason in {"no_price_for:input", "no_price_for:output"}, (model.id, ours)
                    continue
                assert ours.cost == theirs.total_price.quantize(D("1e-12")), (provider.id, model.id, day)
                compared += 1
    assert compared > 3000


def test_hosts_name_a_custom_upstream_only_when_certain(book):
    assert book.provider_of_url("https://api.groq.com/openai/v1/chat/completions") == "groq"
    assert book.provider_of_url("https://api.sarvam.ai/v1/chat/completions") == "sarvam"
    assert book.provider_of_url("https://my.openai.azure.com/openai/deployments/d/chat/completions") == "azure"
    assert book.provider_of_url("https://api.openai.com.example.net/v1") == ""
    assert book.provider_of_url("http://127.0.0.1:8080/v1") == ""


def test_records_are_priced_and_disagreements_flagged(book, rates):
    made, _ = load("openrouter/reported_cost")
    record = price_record(read_exchange(made), book=book, rates=rates)
    computed = (D("2.50") * 100 + D(10) * 20) / M
    assert (record.cost, record.reported_cost_usd) == (computed, D("0.00095"))
    assert record.attributes["spanmeter.cost_disagreement"] == "computed 0.00045 USD, reported 0.00095 USD"


def test_pricing_changes_nothing_but_the_cost(book, rates):
    made, _ = load("openai/chat_cached_reasoning")
    record = read_exchange(made)
    priced = price_record(record, book=book, rates=rates)
    changed = {field.name for field in fields(record) if getattr(record, field.name) != getattr(priced, field.name)}
    assert changed == {"cost", "cost_currency", "cost_usd", "cost_details", "cost_status", "cost_reason", "price_id"}
    assert replace(priced, cost=None).cost is None


def test_what_is_not_billable_keeps_its_reason(book, rates):
    made, _ = load("openai/chat_429")
    record = price_record(read_exchange(made), book=book, rates=rates)
    assert (record.cost, record.cost_status, record.cost_reason) == (None, CostStatus.NOT_BILLABLE, "failed_call:429")


def test_no_usage_is_said(book, rates):
    record = price_record(read_exchange(envelope(request={"model": "gpt-4o"}, response=b"{}")), book=book, rates=rates)
    assert (record.cost, record.cost_status) == (None, CostStatus.NO_USAGE)


def test_a_converted_cost_names_its_rate(book, rates):
    made, _ = load("sarvam/chat")
    record = price_record(read_exchange(made), book=book, rates=rates)
    assert record.cost == D("0.06588")
    assert record.cost_currency == "INR"
    assert record.attributes["spanmeter.exchange_rate"].startswith("94.96 INR/USD")


@given(st.dictionaries(st.sampled_from(list(Bucket)), st.integers(0, 10**6).map(D), min_size=1), st.integers(0, 2**62))
def test_the_details_always_add_up(usage, at):
    book, rates = _cached()
    priced = price(provider="openai", model="gpt-4o", usage=usage, at_ns=at, book=book, rates=rates)
    if priced.cost is not None:
        assert sum(priced.details.values()) == priced.cost
    else:
        assert priced.reason


def _cached(held: list[tuple[PriceBook, Rates]] = []) -> tuple[PriceBook, Rates]:  # noqa: B006
    if not held:
        held.append((load_pricebook(), load_rates()))
    return held[0]


def test_shipped_files_say_where_and_when():
    folder = Path(__file__).parents[3] / "ingestion" / "prices"
    shipped = read_price_list(sorted(folder.glob("*.toml")), name="x")
    rows = [row for provider in shipped.providers.values() for model in provider.models for row in model.rows]
    assert rows
    assert all(row.source_url.startswith("https://") and row.valid_from for row in rows)
