"""The agent of a GPU host beside the model's server, started as a person would: `spanmeter gpu llama_cpp=…`.

The machine of a demo has no GPU to speak of, so its processor stands in for one: the price of the hour is the demo's
own assumption, and the bill is split by what the server's metrics say.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

__all__ = ["HOST", "agent_running", "write_gpu_price"]

HOST = "demo-host"
PRICE = """# Written by `make demo`. The demo's own assumption: two rented processor cores at 0.04 USD an
# hour, in place of a GPU. A new price is a new entry with a later date.

[[gpu_price]]
host = "{host}"
per_hour = "0.08"
currency = "USD"
valid_from = {day}
source = "make demo: assumed rent of the machine that runs the model"
"""


def write_gpu_price(home: Path, day: date) -> Path:
    """Write the row unless there is one; what somebody changed is kept."""
    path = home / "gpu_prices" / "demo.toml"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(PRICE.format(host=HOST, day=day.isoformat()), encoding="utf-8")
        temporary.replace(path)
    return path


@contextmanager
def agent_running(*, gateway_url: str, key: str, model_url: str, home: Path) -> Iterator[None]:
    """Read the model's server every second until the block ends, then send the rest."""
    waiting = home / "demo" / "agent"
    waiting.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "SPANMETER_BASE_URL": gateway_url,
        "SPANMETER_API_KEY": key,
        "SPANMETER_OFFLINE_DIR": str(waiting),
        "TMPDIR": str(waiting),
    }
    log = home / "logs" / "demo-agent.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "spanmeter.gpu", f"llama_cpp={model_url}", "--every", "1", "--host", HOST]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
