"""Other gateways to stand beside ours, if somebody installed them: `python -m bench.peers install`. Cached under
bench/.cache.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.desk import BODY, CACHE
from bench.free_port import free_port, wait_for_port
from bench.load import Request

__all__ = ["install", "running_peers"]

LITELLM = CACHE / "litellm" / "bin" / "litellm"
PORTKEY = CACHE / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-provider"}
PATH = "/v1/chat/completions"

Peer = AbstractContextManager[Request]


def install() -> None:
    """Install both, each into a directory of its own."""
    subprocess.run([sys.executable, "-m", "venv", str(CACHE / "litellm")], check=True)
    subprocess.run([str(CACHE / "litellm" / "bin" / "pip"), "install", "--quiet", "litellm[proxy]"], check=True)
    portkey = CACHE / "portkey"
    portkey.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(portkey), "@portkey-ai/gateway"],
        check=True,
    )


def running_peers(upstream: int) -> list[tuple[str, Peer]]:
    """Return the installed peers, each to be started, measured and stopped; says which are missing."""
    peers: list[tuple[str, Peer]] = []
    for name, path, start in (("LiteLLM", LITELLM, _litellm), ("Portkey", PORTKEY, _portkey)):
        if path.exists():
            peers.append((name, start(upstream)))
        else:
            print(f"  {name} is not installed, left out (python -m bench.peers install)", flush=True)
    return peers


@contextmanager
def _litellm(upstream: int) -> Iterator[Request]:
    port = free_port()
    model = {
        "model_name": "gpt-4o-mini",
        "litellm_params": {
            "model": "openai/gpt-4o-mini",
            "api_base": f"http://127.0.0.1:{upstream}/v1",
            "api_key": "sk-provider",
        },
    }
    with tempfile.TemporaryDirectory(prefix="spanmeter-bench-litellm-") as directory:
        configuration = Path(directory) / "config.yaml"
        key = "sk-" + secrets.token_urlsafe(32)  # it starts with nothing less
        settings = {"model_list": [model], "general_settings": {"master_key": key}}
        configuration.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
        command = [str(LITELLM), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port)]
        environment = {**os.environ, "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        with _process(command, port, environment):
            yield Request(port, PATH, BODY, {**HEADERS, "Authorization": f"Bearer {key}"})


@contextmanager
def _portkey(upstream: int) -> Iterator[Request]:
    port = free_port()
    headers = {
        **HEADERS,
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
    }
    with _process(["node", str(PORTKEY), f"--port={port}", "--headless"], port, dict(os.environ)):
        yield Request(port, PATH, BODY, headers)


@contextmanager
def _process(command: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, seconds=90)
        yield
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__" and sys.argv[1:] == ["install"]:
    install()
