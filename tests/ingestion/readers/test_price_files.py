"""Price files: what can be written, what is refused, and that the page about them is true."""

import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.currency import Rates
from ingestion.price import Priced, price
from ingestion.pricebook import PriceBook
from ingestion.prices.files import load_pricebook, read_price_list, read_rates
from ingestion.usage import Bucket

DOCS = Path(__file__).parents[3] / "docs" / "pricing.md"
NOVEMBER = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp()) * 1_000_000_000
M = 1_000_000


def cost(tmp_path: Path, text: str, *, tier: str = "", **usage: int) -> Priced:
    path = tmp_path / "ours.toml"
    path.write_text(text)
    book = PriceBook([read_price_list([path], name="ours")])
    return price(
        provider="acme",
        model="m",
        usage={bucket: Decimal(quantity) for bucket, quantity in usage.items()},
        at_ns=NOVEMBER,
        book=book,
        rates=Rates(),
        conditions={"service_tier": tier},
    )


ROW = '[[price]]\nprovider = "acme"\nmodel = "m"\ncurrency = "USD"\nsource = "our contract"\n'


def test_above_a_number_of_input_tokens_everything_costs_more(tmp_path):
    text = (
        ROW
        + 'per_million = { input = "1", output = "4" }\n'
        + '[[price.above]]\ninput_tokens = 200000\nper_million = { input = "2", output = "6" }\n'
        + '[[price.above]]\ninput_tokens = 100000\nper_million = { input = "1.5" }\n'
    )
    assert cost(tmp_path, text, input=100_000, output=M).cost == Decimal("0.1") + 4
    assert cost(tmp_path, text, input=100_001, output=M).cost == Decimal("1.5") * 100_001 / M + 4
    assert cost(tmp_path, text, input=200_001, output=M).cost == Decimal(2) * 200_001 / M + 6


def test_a_row_for_a_tier_overlays_the_standard_row(tmp_path):
    text = (
        ROW
        + 'per_million = { input = "1", output = "4" }\n'
        + ROW
        + 'when = { service_tier = "flex" }\nper_million = { output = "2" }\n'
    )
    assert cost(tmp_path, text, input=M, output=M).cost == 5
    flex = cost(tmp_path, text, tier="flex", input=M, output=M)
    assert (flex.cost, flex.price_id) == (Decimal(3), "acme/m:flex#ours")
    assert cost(tmp_path, text, tier="priority", input=M).reason == "no_price_for_tier:priority"


def test_units(tmp_path):
    text = (
        ROW
        + 'per_unit = { pages = "0.5", requests = "0.01" }\nper_thousand = { characters = "3" }\n'
        + 'per_hour = { seconds = "30" }\n'
    )
    priced = cost(tmp_path, text, pages=3, characters=500, seconds=60)
    assert priced.details == {
        "pages": Decimal("1.5"),
        "characters": Decimal("1.5"),
        "seconds": Decimal("0.5"),
        "requests": Decimal("0.01"),
    }


@pytest.mark.parametrize(
    ("inherits", "reason"), [("true", "cache_read_as_input"), ("false", "no_price_for:cache_read")]
)
def test_a_row_inherits_only_when_it_says_so(tmp_path, inherits, reason):
    text = ROW + f'inherits = {inherits}\nper_million = {{ input = "1" }}\n'
    assert cost(tmp_path, text, cache_read=5).reason == reason


def test_an_hour_in_the_cache_is_never_priced_as_five_minutes(tmp_path):
    text = ROW + 'inherits = true\nper_million = { input = "1", cache_write_5m = "1.25" }\n'
    assert cost(tmp_path, text, cache_write_1h=5).reason == "no_price_for:cache_write_1h"


def test_the_examples_of_the_page_are_read(tmp_path):
    blocks = re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (tmp_path / "prices").mkdir()
    for number, block in enumerate(blocks):
        (tmp_path / "prices" / f"{number}.toml").write_text(block)
    book = load_pricebook(home=tmp_path)
    assert [row.id for row in book.lists[0].providers["openai"].models[0].rows] == ["openai/smollm2@2026-11-01#0"]
    assert [rate.per_usd for block in blocks for rate in read_rates(tomllib.loads(block), file="x")] == [
        Decimal("95.10")
    ]


def test_the_page_names_every_bucket_and_reason():
    words = DOCS.read_text()
    source = (DOCS.parents[1] / "ingestion" / "price.py").read_text()
    source += (DOCS.parents[1] / "ingestion" / "exchange.py").read_text()
    reasons = {
        found.rstrip(":") for found in re.findall(r'"((?:no_|unknown_|priced_|failed_|implausible_)[a-z_]+:?)', source)
    }
    reasons -= {"not_priced_yet"}
    assert len(reasons) >= 8
    assert {reason for reason in reasons if reason not in words} == set()
    assert {bucket for bucket in Bucket if f"`{bucket}`" not in words} == set()


def test_price_lists_may_be_read_by_several_threads_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        books = list(pool.map(lambda _: load_pricebook(), range(4)))
    assert len({len(list(book.rows())) for book in books}) == 1
