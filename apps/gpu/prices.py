"""The installation's prices as they stand in its folders now: of GPUs, and the book of what APIs ask."""

import logging
import time
from functools import cache
from pathlib import Path

from ingestion.currency import Rates
from ingestion.gpu_money.files import GpuPriceFileError, load_gpu_prices
from ingestion.gpu_money.price import GpuPrices
from ingestion.pricebook import PriceBook
from ingestion.prices.files import PriceFileError
from ingestion.prices.live import LivePrices

__all__ = ["pricebook_now", "prices_now"]

log = logging.getLogger(__name__)


def prices_now(home: Path) -> tuple[GpuPrices, str]:
    """Return the prices, and what is wrong with them ('' when nothing is; then there are none to use)."""
    try:
        return load_gpu_prices(home), ""
    except GpuPriceFileError as error:
        return GpuPrices(()), str(error)


def pricebook_now(home: Path) -> tuple[PriceBook, Rates]:
    """Return the price book of APIs and the exchange rates; both empty when the files cannot be read."""
    try:
        return _live(home)()
    except PriceFileError as error:
        log.warning("no API prices to compare with: %s", error)
        return PriceBook(()), Rates()


@cache
def _live(home: Path) -> LivePrices:
    return LivePrices(home, clock=time.monotonic)
