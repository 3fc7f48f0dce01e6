"""A Spanmeter of its own for the measurement: `python -m apps.config.up` in a home and on ports of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clickhouse_driver import Client

from bench.free_port import free_port

__all__ = ["Spanmeter", "spanmeter_running"]

START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Spanmeter:
    """A running installation."""

    home: Path
    gateway_port: int
    web_port: int
    store_port: int
    supervisor: int
    ready_seconds: float
    bootstrap: Mapping[str, str]

    @property
    def key(self) -> str:
        """The project's secret key."""
        return self.bootstrap["secret_key"]

    def pids(self) -> dict[int, list[int]]:
        """Return each child with the processes of its group."""
        listed = json.loads((self.home / "up" / "children.json").read_text(encoding="ascii"))
        groups: dict[int, list[int]] = {int(pid): [] for pid in listed}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    group = int((entry / "stat").read_text().rpartition(")")[2].split()[2])
                except OSError:
                    continue
                if group in groups:
                    groups[group].append(int(entry.name))
        return groups

    def gateway_cpu_seconds(self) -> float:
        """Return the processor time that all gateway processes have taken so far."""
        ticks = 0
        for pid in [pid for group in self.pids().values() for pid in group]:
            if b"\0-m\0proxy\0" in (Path("/proc") / str(pid) / "cmdline").read_bytes():
                fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def store(self) -> Client:
        """Return a client of the store."""
        password = json.loads((self.home / "secrets.json").read_text(encoding="utf-8"))["store_password"]
        return Client("127.0.0.1", port=self.store_port, user="spanmeter", password=password, database="default")

    def count(self, client: Client, where: str = "1", values: Mapping[str, Any] | None = None) -> int:
        """Return how many spans a query sees."""
        rows = client.execute(f"SELECT count() FROM spans WHERE {where}", dict(values or {}))
        return int(rows[0][0])


@contextmanager
def spanmeter_running(home: Path, *, settings: Mapping[str, str] | None = None) -> Iterator[Spanmeter]:
    """Start one, wait until it says that it is ready, and stop it."""
    ports = {name: free_port() for name in ("GATEWAY", "WEB", "STORE")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPANMETER_")}
    environment |= {
        "SPANMETER_HOME": str(home),
        **{f"SPANMETER_{name}_PORT": str(port) for name, port in ports.items()},
        **(settings or {}),
    }
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.config.up"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        told = _until_ready(process)
        ready = time.monotonic() - began
        if not told.endswith("ready"):
            raise RuntimeError(f"Spanmeter did not start:\n{told}")
        yield Spanmeter(
            home=home,
            gateway_port=ports["GATEWAY"],
            web_port=ports["WEB"],
            store_port=ports["STORE"],
            supervisor=process.pid,
            ready_seconds=ready,
            bootstrap=json.loads((home / "bootstrap.json").read_text(encoding="utf-8")),
        )
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _until_ready(process: "subprocess.Popen[bytes]") -> str:
    """Read the terminal until it says ready; return what it said, ending in "ready" when it did."""
    assert process.stdout
    lines = []
    too_long = threading.Timer(START_SECONDS, process.terminate)
    too_long.start()
    try:
        for line in process.stdout:
            text = line.decode("utf-8", "replace").rstrip()
            lines.append(text)
            if text.startswith("Spanmeter is ready"):
                return "ready"
    finally:
        too_long.cancel()
    return "\n".join(lines)
