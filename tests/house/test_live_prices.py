"""A price file written while ingest runs is used; a broken one changes nothing."""

import logging
from datetime import date
from pathlib import Path

import pytest

from apps.config.demo.model import MODEL
from apps.config.demo.price import write_price
from ingestion.prices.live import LivePrices


def known(prices: LivePrices) -> bool:
    """Whether the book holds the demo's row."""
    book, _ = prices()
    return bool(book.find("local", MODEL))


def test_a_new_file_is_read_within_a_second(tmp_path: Path) -> None:
    """The clock is ours, so nothing waits."""
    now = [0.0]
    prices = LivePrices(tmp_path, clock=lambda: now[0])
    assert not known(prices)
    write_price(tmp_path, date(2026, 1, 1))
    now[0] = 0.5
    assert not known(prices)
    now[0] = 1.5
    assert known(prices)


def test_a_broken_file_is_told_and_the_last_good_prices_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Pricing everything as unknown because of a typing error would be worse."""
    now = [0.0]
    write_price(tmp_path, date(2026, 1, 1))
    prices = LivePrices(tmp_path, clock=lambda: now[0])
    (tmp_path / "prices" / "mine.toml").write_text("[[price]]\nprovider = 1\n")
    now[0] = 2
    with caplog.at_level(logging.WARNING):
        assert known(prices)
    assert "mine.toml" in caplog.text
