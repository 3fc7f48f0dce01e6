"""What a rented GPU costs, and who pays for it. Pure but for the files of prices; knows no store and no web.

    requests (by their share of tokens while busy) + idle + cold start = bill

to the last digit, always. Money is Decimal with a currency; a GPU without a price costs NULL, never 0.
"""

from ingestion.gpu_money.price import GpuPrice, GpuPrices
from ingestion.gpu_money.split import Interval, Request, Share, Split, split

__all__ = ["GpuPrice", "GpuPrices", "Interval", "Request", "Share", "Split", "split"]
