"""The demo's own price for the time of a processor, as a dated row of the installation: so that its traces are priced,
and say why.
"""

from datetime import date
from pathlib import Path

from apps.config.demo.model import MODEL

__all__ = ["price_toml", "write_price"]

ROW = """# Written by `make demo`. A price of the demo's own, not a provider's: what two rented processor cores at
# 0.04 USD an hour cost at 190 prompt and 85 generated tokens a second. A new price is a new row with a later date.

[[price]]
provider = "local"
model = "{model}"
currency = "USD"
source = "make demo: assumed rent of the machine that runs the model"
checked = {day}
valid_from = {day}
per_million = {{ input = "0.058", cache_read = "0", output = "0.131" }}
note = "An assumption for the demo, not a quoted price. Cached input costs no time, so it costs nothing."
"""


def price_toml(day: date) -> str:
    """Return the file's content."""
    return ROW.format(model=MODEL, day=day.isoformat())


def write_price(home: Path, day: date) -> Path:
    """Write the row unless there is one; what somebody changed is kept."""
    path = home / "prices" / "demo-local.toml"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(price_toml(day), encoding="utf-8")
        temporary.replace(path)
    return path
