"""Prices of GPU-hours: which holds, what a window costs, what is refused; energy and grids."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.gpu_money.energy import increase, joules_per_token, kilowatt_hours
from ingestion.gpu_money.files import GpuPriceFileError, load_gpu_prices, load_grids
from ingestion.gpu_money.price import OverlappingPrices

BOOK = """
[[gpu_price]]
gpu = "h100"
per_hour = "2.50"
currency = "USD"
valid_from = 2026-01-01
source = "https://example.com/prices"

[[gpu_price]]
gpu = "h100"
per_hour = "2.00"
currency = "USD"
valid_from = 2026-06-01

[[gpu_price]]
gpu = "h100"
label = { pool = "spot" }
per_hour = "0.90"
currency = "USD"
valid_from = 2026-01-01

[[gpu_price]]
host = "node-in"
per_hour = "249.00"
currency = "INR"
valid_from = 2026-01-01
valid_to = 2026-07-01
"""


def home_with(tmp_path: Path, text: str) -> Path:
    (tmp_path / "gpu_prices").mkdir(exist_ok=True)
    (tmp_path / "gpu_prices" / "ours.toml").write_text(text, encoding="utf-8")
    return tmp_path


def at(day: int, hour: int = 0, month: int = 5) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_the_most_particular_price_in_force(tmp_path: Path) -> None:
    """Host before label before GPU; the later of two."""
    prices = load_gpu_prices(home_with(tmp_path, BOOK))

    def found(host: str = "n", model: str = "NVIDIA H100 80GB HBM3", month: int = 5, **labels: str) -> str:
        price = prices.at(date(2026, month, 1), host=host, model=model, labels=labels)
        return f"{price.per_hour} {price.currency}" if price else "unknown"

    assert found() == "2.50 USD"
    assert found(month=6) == "2.00 USD"
    assert found(pool="spot", month=6) == "0.90 USD"
    assert found(host="node-in", pool="spot") == "249.00 INR"
    assert found(host="node-in", model="L4", month=7) == "unknown"
    assert found(model="L4") == "unknown"


def test_a_window_over_a_change_of_price(tmp_path: Path) -> None:
    """Each part at its own; the ids say which."""
    prices = load_gpu_prices(home_with(tmp_path, BOOK))
    amount, currency, used = prices.bill(at(31, 22), at(1, 2, 6), host="n", model="H100") or (None, "", ())
    assert (amount, currency) == (Decimal("9.00"), "USD")
    assert [price.id for price in used] == ["h100@2026-01-01#ours", "h100@2026-06-01#ours"]
    assert prices.bill(at(1), at(2), host="n", model="L4") is None, "unknown is no zero"
    assert prices.bill(at(30, 0, 6), at(2, 0, 7), host="node-in", model="L4") is None, "a day of it has no price"
    with pytest.raises(OverlappingPrices, match="INR and USD"):
        prices.bill(at(30, 0, 6), at(2, 0, 7), host="node-in", model="H100")


def test_no_file_is_no_price(tmp_path: Path) -> None:
    """None is made up."""
    assert load_gpu_prices(tmp_path).at(date(2026, 1, 1), host="n", model="H100") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"2.50"', "2.50"), "per_hour = 2.5; write the price of one GPU in quotes"),
        (('"2.50"', '"-1"'), "per_hour = '-1'"),
        (('"2.50"', '"NaN"'), "per_hour = 'NaN'"),
        (('"USD"', '"dollars"'), "ISO 4217"),
        (("2026-06-01", "2026-01-01"), "both hold from 2026-01-01"),
        (('gpu = "h100"', 'model = "h100"'), "unknown key 'model'"),
        (("valid_to = 2026-07-01", "valid_to = 2025-07-01"), "not after valid_from"),
        (("valid_from = 2026-06-01", 'valid_from = "soon"'), "without quotes"),
        (('{ pool = "spot" }', '"spot"'), "write one pair"),
        (("[[gpu_price]]", "[[gpu_prices]]"), "nothing else"),
        (("[[gpu_price]]", "[[gpu_price"), "ours.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """A price that is silently skipped is a cost that is silently missing."""
    with pytest.raises(GpuPriceFileError) as raised:
        load_gpu_prices(home_with(tmp_path, BOOK.replace(*change, 1)))
    assert said in str(raised.value)


def test_energy() -> None:
    """A counter that resets counts on; what is unknown stays so."""
    assert increase([100.0, 150.0, 20.0, 30.0]) == 80.0
    assert increase([100.0]) is None
    assert kilowatt_hours(7_200_000.0) == 2
    assert joules_per_token(500.0, 250) == 2.0
    assert joules_per_token(500.0, 0) is None
    assert joules_per_token(None, 10) is None


def test_grids() -> None:
    """Dated, with a source each; a place nobody knows has no figure, not zero."""
    grids = load_grids()
    assert grids.grams("ind", date(2026, 1, 1), Decimal(2), pue=Decimal("1.5")) == 2139
    assert grids.grams("XXX", date(2026, 1, 1), Decimal(2)) is None
    assert grids.grams("IND", date(1999, 1, 1), Decimal(2)) is None
    found = grids.at("FRA", date(2026, 1, 1))
    assert found is not None
    assert found.source


def test_the_documented_price_is_one(tmp_path: Path) -> None:
    """The example of docs/gpu.md, as it stands there."""
    text = (Path(__file__).parents[3] / "docs" / "gpu.md").read_text(encoding="utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    price = load_gpu_prices(home_with(tmp_path, example)).at(date(2026, 6, 1), host="n", model="NVIDIA H100")
    assert price is not None
    assert (price.per_hour, price.currency) == (Decimal("2.49"), "USD")
