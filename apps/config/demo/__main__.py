"""`python -m apps.config.demo`: with `make up` running, send real traffic of a real model and say where to look."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
from openai import OpenAIError

from apps.config.demo.desk import Desk
from apps.config.demo.findings import findings, links, settled, visible_costs, visible_scores
from apps.config.demo.host import agent_running, write_gpu_price
from apps.config.demo.model import MODEL, model_file
from apps.config.demo.price import write_price
from apps.config.demo.programs import PROGRAMS
from apps.config.demo.progress import Progress
from apps.config.demo.receiver import receiving
from apps.config.demo.server import DemoError, model_running
from apps.config.demo.visitor import Visitor
from apps.config.demo.watching import SCORE_NAMES, secret_of, watch
from apps.config.up.plan import DEMO_PORT
from ingestion.settings import Environment, SettingsError, home_from

SETTLED_SECONDS = 30
WATCHED_SECONDS = 90


def main() -> int:
    """Run the demo; return the exit status."""
    environment = Environment(os.environ)
    try:
        port = environment.integer("SPANMETER_DEMO_PORT", DEMO_PORT, least=1, most=65535)
        run(home_from(environment), port=port)
    except (DemoError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except OpenAIError as error:
        print(
            f"a call through the gateway failed: {error}\n"
            f"If the model cannot be reached: `make up` must be started with the same SPANMETER_DEMO_PORT ({port}).",
            file=sys.stderr,
        )
        return 1
    return 0


def run(home: Path, *, port: int) -> None:
    """Serve the model, watch it, run the programs, wait until all of it can be seen, print the links."""
    bootstrap = running_installation(home)
    if model_file() is None:
        raise DemoError("the model is not installed: `make demo` installs it")
    today = datetime.now(UTC).date()
    prices = (write_price(home, today), write_gpu_price(home, today))
    folder = home / "demo"
    desk = Desk(
        gateway_url=bootstrap["gateway_url"], key=bootstrap["secret_key"], model=MODEL, folder=folder / "client"
    )
    progress = Progress(len(PROGRAMS) + 4)
    secret = secret_of(folder)
    with receiving(port + 1, secret=secret) as receiver:
        unwatched = watched(bootstrap, url=receiver.url, secret=secret)
        progress.step("an evaluator, a rule and a webhook")
        loading = f"loading {MODEL}"
        with (
            model_running(port, log=home / "logs" / "demo.log", waiting=lambda _: progress.show(loading)) as model_url,
            agent_running(gateway_url=desk.gateway_url, key=desk.key, model_url=model_url, home=home),
        ):
            progress.step(loading)
            for what, program in PROGRAMS:
                progress.show(what)
                program(desk)
                progress.step(what)
        progress.show("waiting until all of it can be seen")
        with httpx.Client(
            base_url=bootstrap["web_url"], headers={"Authorization": f"Bearer {desk.key}"}, timeout=30
        ) as api:
            everything = settled(api, seconds=SETTLED_SECONDS)
            costs = visible_costs(api, desk.shown) if everything else {}
            progress.step("all of it can be seen" if everything else "not all of it is written yet")
            progress.show("waiting for the evaluator and for the alert")
            scores = [] if unwatched else visible_scores(api, SCORE_NAMES, seconds=WATCHED_SECONDS)
            told = [] if unwatched else receiver.wait(seconds=WATCHED_SECONDS)
            progress.step("the evaluator and the alert")
    progress.close()
    page = f"{bootstrap['web_url']}/p/{bootstrap['project']}"
    print(f"\n{MODEL} ran on this machine; every call went through the gateway. Look at:\n")
    for line in links(page, desk.shown, costs):
        print(f"  {line}")
    print()
    for line in [unwatched] if unwatched else findings(scores, told):
        print(f"  {line}")
    print("\nThe prices are the demo's own assumptions, dated rows in:")
    for path in prices:
        print(f"  {path}")


def watched(bootstrap: dict[str, str], *, url: str, secret: str) -> str:
    """Make what watches the traffic; returns why there is none, or ''."""
    try:
        with Visitor(
            bootstrap["web_url"],
            email=bootstrap["email"],
            password=bootstrap["password"],
            project=bootstrap["project"],
        ) as owner:
            watch(owner, url=url, secret=secret)
    except DemoError as error:
        return f"No evaluator and no alert: {error}"
    return ""


def running_installation(home: Path) -> dict[str, str]:
    """Return bootstrap.json of the installation that answers now, at the addresses that it was started with; raises
    DemoError with what to do.
    """
    try:
        bootstrap = json.loads((home / "bootstrap.json").read_text(encoding="utf-8"))
        httpx.get(f"{bootstrap['gateway_url']}/healthz", timeout=5).raise_for_status()
    except (OSError, ValueError, LookupError, TypeError, httpx.HTTPError, httpx.InvalidURL):
        raise DemoError(f"Spanmeter does not run in {home}: start it with `make up` in another shell first") from None
    if not bootstrap.get("secret_key"):
        why = bootstrap.get("key_note", "none is noted")
        raise DemoError(f"the demo needs the key in {home / 'bootstrap.json'}: {why}")
    return {str(key): str(value) for key, value in bootstrap.items()}


if __name__ == "__main__":
    raise SystemExit(main())
