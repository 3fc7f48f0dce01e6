"""`python -m apps.config.up`: the one command. Imports no Django, so that watching costs next to nothing."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from apps.config.secret_file import secrets_ensure
from apps.config.up.claim import AlreadyRunningError, HomeClaim
from apps.config.up.plan import Plan, make_plan
from apps.config.up.ports import taken_ports
from apps.config.up.supervisor import StartFailedError, Supervisor
from apps.config.up.welcome import welcome
from ingestion.settings import Environment, SettingsError, home_from

SLOW_START_SECONDS = 30


def main() -> int:
    """Run until told to stop; return the exit status."""
    began = time.monotonic()
    home = home_from(Environment(os.environ))
    try:
        home.mkdir(parents=True, exist_ok=True)
        claim = HomeClaim(home)
    except AlreadyRunningError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"SPANMETER_HOME={home}: cannot be written ({error.strerror}); choose another directory", file=sys.stderr)
        return 1
    try:
        secrets_ensure(home)
        plan = make_plan(os.environ)
        left = claim.end_leftovers()
        if left:
            print(f"Ended {len(left)} processes that an earlier start left behind.")
        problems = taken_ports(plan.listeners)
        if problems:
            print("\n".join(problems), file=sys.stderr)
            return 1
        return asyncio.run(run(plan, claim, began))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        claim.release()


async def run(plan: Plan, claim: HomeClaim, began: float) -> int:
    """Start, welcome, watch, stop."""
    supervisor = Supervisor(plan.specs, logs=plan.home / "logs", register=claim, echo=_echo)
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            print("Ending everything now.", flush=True)
            supervisor.force()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    told_to_stop = asyncio.create_task(stop.wait())
    life = asyncio.create_task(_live(supervisor, plan, began))
    status = 0
    await asyncio.wait([told_to_stop, life], return_when=asyncio.FIRST_COMPLETED)
    if life.done() and (error := life.exception()):
        if not isinstance(error, StartFailedError):
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        else:
            print(error, file=sys.stderr)
        status = 1
    life.cancel()
    stop.set()
    print("Stopping: gateway and worker, ingest, web, store. Ctrl-C again ends them at once.", flush=True)
    await supervisor.stop()
    print("Stopped. What was recorded is kept.", flush=True)
    told_to_stop.cancel()
    return status


async def _live(supervisor: Supervisor, plan: Plan, began: float) -> None:
    print("Starting Spanmeter …", flush=True)
    slow = asyncio.get_running_loop().call_later(
        SLOW_START_SECONDS,
        lambda: print(f"Still waiting for {', '.join(supervisor.waiting_for())}; see {plan.home / 'logs'}", flush=True),
    )
    try:
        await supervisor.start()
    finally:
        slow.cancel()
    print(
        welcome(
            bootstrap=_bootstrap(plan.home),
            web_url=plan.web_url,
            gateway_url=plan.gateway_url,
            home=plan.home,
            seconds=time.monotonic() - began,
        ),
        flush=True,
    )
    await supervisor.watch()


def _bootstrap(home: Path) -> dict[str, str]:
    try:
        content = json.loads((home / "bootstrap.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in content.items()}


def _echo(name: str, line: str) -> None:
    print(f"{name:>8} │ {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
