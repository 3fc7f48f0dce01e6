"""The whole product as a test sees it: `python -m apps.config.up` in a home and on ports of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from clickhouse_driver import Client

__all__ = ["Stack", "eventually", "running_stack"]

ROOT = Path(__file__).parents[2]
# A word of each process's command line, so that a test can name its victim.
COMMANDS = {
    "gateway": "proxy",
    "ingest": "ingestion",
    "store": "ingestion.store.server",
    "web": "gunicorn",
    "worker": "celery",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """A running installation and the ways a test looks at it."""

    home: Path
    ports: Mapping[str, int]
    bootstrap: Mapping[str, str]
    supervisor: int

    @property
    def gateway(self) -> str:
        """The gateway's origin."""
        return f"http://127.0.0.1:{self.ports['GATEWAY']}"

    @property
    def web(self) -> str:
        """The dashboard's origin."""
        return f"http://127.0.0.1:{self.ports['WEB']}"

    def api(self, path: str, **params: Any) -> Any:
        """Return the JSON that the API answers to the project's key."""
        headers = {"authorization": f"Bearer {self.bootstrap['secret_key']}"}
        answer = httpx.get(f"{self.web}/api/v1/{path}", params=params, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def query(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask the store itself."""
        password = json.loads((self.home / "secrets.json").read_text(encoding="utf-8"))["store_password"]
        client = Client("127.0.0.1", port=self.ports["STORE"], user="spanmeter", password=password, database="default")
        try:
            return list(client.execute(sql, dict(values or {})))
        finally:
            client.disconnect()

    def pid(self, process: str) -> int | None:
        """Return the process id of one of the five, or None while it is being started again."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except (OSError, ValueError):
                continue
            if parent == self.supervisor and COMMANDS[process] in words:
                return int(entry.name)
        return None

    def kill(self, process: str) -> bool:
        """End one of the five without a warning; False when it is not there to be killed."""
        pid = self.pid(process)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True


@contextmanager
def running_stack(
    home: Path, *, settings: Mapping[str, str] | None = None, ports: Mapping[str, int] | None = None
) -> Iterator[Stack]:
    """Start it, wait until it says that it is ready, and stop it. What the terminal showed lies in `terminal.log`."""
    chosen = dict(ports or _free_ports("GATEWAY", "WEB", "STORE", "OTLP_GRPC"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPANMETER_")}
    environment |= {f"SPANMETER_{name}_PORT": str(port) for name, port in chosen.items()}
    environment |= {"SPANMETER_HOME": str(home), **(settings or {})}
    home.mkdir(parents=True, exist_ok=True)
    terminal = home / "terminal.log"
    with terminal.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "apps.config.up"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        eventually(
            lambda: "Spanmeter is ready" in terminal.read_text(encoding="utf-8", errors="replace"),
            seconds=90,
            told=lambda: terminal.read_text(encoding="utf-8", errors="replace"),
            broken=lambda: process.poll() is not None,
        )
        bootstrap = json.loads((home / "bootstrap.json").read_text(encoding="utf-8"))
        yield Stack(home=home, ports=chosen, bootstrap=bootstrap, supervisor=process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def eventually(
    check: Any, *, seconds: float = 30, told: Any = lambda: "", broken: Any = lambda: False, pause: float = 0.1
) -> Any:
    """Return the first truthy answer of `check`; fail with what `told` says when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if broken() or time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {told()}")
        time.sleep(pause)


def _free_ports(*names: str) -> dict[str, int]:
    """Return a free port for each name; all are held open together, so that no two are the same."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    ports = {name: held.getsockname()[1] for name, held in zip(names, sockets, strict=True)}
    for held in sockets:
        held.close()
    return ports
