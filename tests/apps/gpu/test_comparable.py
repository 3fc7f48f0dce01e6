"""What an API asks for the like of one's own model, and how busy one's own must be to be no dearer."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.gpu.comparable import Own, api_prices, break_even, family_of, own_price
from ingestion.currency import Rate, Rates
from ingestion.pricebook import PriceBook
from ingestion.prices.files import load_pricebook

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OWN = Own(per_million=Decimal("0.40"), busy_share=Decimal("0.25"), input_share=Decimal("0.75"))
SHARES = st.decimals("0.001", "1", places=3)
MONEY = st.decimals("0.000001", "100000", places=6)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    """The book as it is shipped."""
    return load_pricebook(home=tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize(
    "name",
    [
        "meta-llama/Llama-3.1-8B-Instruct",
        "llama3.1:8b",
        "llama-v3p1-8b-instruct",
        "meta.llama3-1-8b-instruct-v1:0",
        "us.meta.llama3-1-8b-instruct-v1:0",
        "/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
        "Llama-3.1-8B-Instruct-Turbo",
    ],
)
def test_one_family_under_many_names(name: str) -> None:
    assert family_of(name) == {"llama", "3.1", "8b"}


@pytest.mark.parametrize(
    "other",
    ["llama-3.1-70b", "llama-3-8b", "llama-3.2-8b", "llama-3.1-nemotron-8b", "qwen2.5-8b", "llama", "8b", "", "-", "/"],
)
def test_other_models_are_not_of_it(other: str) -> None:
    assert family_of(other) != family_of("llama-3.1-8b")


def test_the_price_book_knows_who_offers_the_like(book: PriceBook) -> None:
    """Each provider once a price, the cheapest first, with its source; nothing that is free."""
    found = api_prices(book, Rates(), "meta-llama/Llama-3.1-8B-Instruct", at=NOW, own=OWN)
    assert {"groq", "cerebras"} <= {one.provider for one in found}
    mixed = [one.per_million for one in found if one.per_million is not None]
    assert len(mixed) == len(found)
    assert mixed == sorted(mixed)
    assert all(one.input + one.output > 0 and one.price_id and one.source for one in found)
    groq = next(one for one in found if one.provider == "groq")
    assert groq.per_million == (groq.input * 3 + groq.output) / 4, "three of four tokens were input"
    assert groq.ratio == OWN.per_million / groq.per_million


def test_a_model_that_nobody_offers_has_no_comparison(book: PriceBook) -> None:
    assert api_prices(book, Rates(), "SmolLM2-135M-Instruct", at=NOW, own=OWN) == ()
    assert api_prices(book, Rates(), "", at=NOW, own=OWN) == ()


def test_without_an_own_price_there_is_no_ratio(book: PriceBook) -> None:
    """Unknown is not zero: what APIs ask is still shown."""
    found = api_prices(book, Rates(), "llama-3.1-8b", at=NOW, own=None)
    assert found
    assert {(one.per_million, one.ratio, one.break_even) for one in found} == {(None, None, None)}


def test_the_own_price_is_compared_in_dollars() -> None:
    """At the rate of the day; without one it is not guessed."""
    rates = Rates([Rate(currency="INR", per_usd=Decimal(80), valid_from=NOW.date())])
    common = {"rates": rates, "at": NOW, "busy": 0.5, "given": 30, "made": 10}
    own = own_price(per_million=Decimal(160), currency="INR", **common)  # type: ignore[arg-type]
    assert own == Own(per_million=Decimal(2), busy_share=Decimal("0.5"), input_share=Decimal("0.75"))
    assert own_price(per_million=Decimal(160), currency="XXX", **common) is None  # type: ignore[arg-type]
    assert own_price(per_million=None, currency="USD", **common) is None  # type: ignore[arg-type]


@given(per_hour=MONEY, pace=st.integers(1, 10**6), busy=SHARES, api=MONEY)
def test_at_the_break_even_both_cost_the_same(per_hour: Decimal, pace: int, busy: Decimal, api: Decimal) -> None:
    """`pace`: tokens per busy second. The bill of an hour is the same however busy it is."""

    def per_million(share: Decimal) -> Decimal:
        return per_hour / (pace * 3600 * share) * 1_000_000

    even = break_even(Own(per_million=per_million(busy), busy_share=busy, input_share=Decimal("0.5")), api)
    assert even is not None
    assert abs(per_million(even) - api) <= api * Decimal("1e-20")
    assert (even <= busy) == (per_million(busy) <= api) or abs(even - busy) < Decimal("1e-20")


@given(busy=SHARES, own=MONEY, api=MONEY, factor=st.integers(2, 9))
def test_a_cheaper_api_asks_for_more(busy: Decimal, own: Decimal, api: Decimal, factor: int) -> None:
    mine = Own(per_million=own, busy_share=busy, input_share=Decimal(1))
    dear, cheap = break_even(mine, api * factor), break_even(mine, api)
    assert dear is not None
    assert cheap is not None
    assert dear < cheap
    assert break_even(mine, Decimal(0)) is None


def test_a_wrong_price_file_leaves_the_page_without_comparison(tmp_path: Path) -> None:
    from apps.gpu.prices import pricebook_now

    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "ours.toml").write_text("this is = = no toml")
    assert list(pricebook_now(tmp_path)[0].rows()) == []
