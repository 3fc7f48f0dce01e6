"""The model's server as a child: started, waited for, always ended. Knows processes and one health address."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

__all__ = ["DemoError", "model_running"]

PATIENCE_SECONDS = 120


class DemoError(Exception):
    """The demo cannot go on; the message says what to do."""


@contextmanager
def model_running(port: int, *, log: Path, waiting: Callable[[float], None]) -> Iterator[str]:
    """Serve the model on the port and yield its base URL once it can answer."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DemoError(
                f"port {port} is in use: stop what listens there, or set SPANMETER_DEMO_PORT, "
                "the same for `make up` and `make demo`"
            ) from None
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "apps.config.demo.model", str(port)], stdout=output, stderr=output
        )
    try:
        _wait(process, port, log=log, waiting=waiting)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, *, log: Path, waiting: Callable[[float], None]) -> None:
    began = time.monotonic()
    while (seconds := time.monotonic() - began) < PATIENCE_SECONDS:
        if process.poll() is not None:
            raise DemoError(f"the model's server ended with status {process.returncode}; see {log}")
        waiting(seconds)
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise DemoError(f"the model did not get ready within {PATIENCE_SECONDS} s; see {log}")
