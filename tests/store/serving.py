"""A store in a process of its own, on a free port and a private directory, to be used, stopped and killed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ingestion.settings import StoreSettings
from ingestion.store.client import Store, connect

ROOT = Path(__file__).parents[2]
PASSWORD = "kept by the tests"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Served:
    """A running store."""

    def __init__(self, home: Path, *, memory: int = 1_500_000_000) -> None:
        self.home = home
        self.port = free_port()
        self.environment: Mapping[str, str] = {
            "SPANMETER_HOME": str(home),
            "SPANMETER_STORE_PORT": str(self.port),
            "SPANMETER_STORE_PASSWORD": PASSWORD,
            "SPANMETER_STORE_MEMORY": str(memory),
        }
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def process(self) -> subprocess.Popen[str]:
        """Return the process that was started last."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start, and return when it says that it is ready."""
        self._process = self.spawn()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "ready" in line, line + (self._process.stderr.read() if self._process.stderr else "")

    def spawn(self, **changes: str) -> subprocess.Popen[str]:
        """Start a store with these settings changed, without waiting for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "ingestion.store.server"],
            cwd=ROOT,
            env={**os.environ, **self.environment, **changes},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=30)

    def stop(self) -> int:
        """Ask it to end; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def connect(self, **options: float) -> Store:
        """Return a client of it."""
        return connect(StoreSettings.read(self.environment), **options)  # type: ignore[arg-type]
