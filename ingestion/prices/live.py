"""The price book and rates as the files stand now: read again when a file under $SPANMETER_HOME/prices has changed.

A file that cannot be used leaves the last good book in force and is told once for each change.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from ingestion.currency import Rates
from ingestion.pricebook import PriceBook
from ingestion.prices.files import PriceFileError, load_pricebook, load_rates

__all__ = ["LivePrices"]

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
Seen = tuple[tuple[str, int, int], ...]


class LivePrices:
    """Call it for (book, rates). Looks at the directory at most once a second."""

    def __init__(self, home: Path, *, clock: Callable[[], float]) -> None:
        """Read for the first time; raises PriceFileError, for a start with a wrong file must not go unnoticed."""
        self._home = home
        self._clock = clock
        self._seen = _seen(home)
        self._looked = clock()
        self._prices = load_pricebook(home=home), load_rates(home=home)

    def __call__(self) -> tuple[PriceBook, Rates]:
        """Return what is in force."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            seen = _seen(self._home)
            if seen != self._seen:
                self._seen = seen
                self._read()
        return self._prices

    def _read(self) -> None:
        try:
            self._prices = load_pricebook(home=self._home), load_rates(home=self._home)
        except PriceFileError as error:
            log.warning("prices unchanged, the last good ones stay in force: %s", error)


def _seen(home: Path) -> Seen:
    found = []
    for path in sorted((home / "prices").glob("*.toml")):
        try:
            stat = path.stat()
        except FileNotFoundError:  # removed since it was listed
            continue
        found.append((path.name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)
