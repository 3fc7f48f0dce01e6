"""nginx from the distribution: the peer to be compared with, and an upstream that costs as little as one can."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.free_port import free_port, wait_for_port

__all__ = ["ANSWER", "have_nginx", "nginx_answering", "nginx_forwarding"]

ANSWER = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "A ledger that balances is worth more than a chart. " * 18},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 210, "completion_tokens": 198, "total_tokens": 408},
    }
)

_FRAME = """
daemon off; worker_processes {processes}; pid {directory}/pid; error_log {directory}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  {body}
}}
"""


def have_nginx() -> bool:
    """Whether it is installed."""
    return shutil.which("nginx") is not None


@contextmanager
def nginx_answering(answer: str = ANSWER) -> Iterator[int]:
    """Serve the answer to whatever is asked."""
    port = free_port()
    body = (
        f"server {{ listen 127.0.0.1:{port}; default_type application/json; location / {{ return 200 '{answer}'; }} }}"
    )
    with _running(body, port):
        yield port


@contextmanager
def nginx_forwarding(upstream: int, *, processes: int) -> Iterator[int]:
    """Be a plain reverse proxy with kept connections, as one would configure it for this traffic: no log, nothing
    buffered, and as many processes as the gateway has, each with a listening socket of its own as the gateway's have.
    """
    port = free_port()
    body = f"""
      upstream target {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
      server {{
        listen 127.0.0.1:{port} reuseport;
        location / {{
          proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
          proxy_request_buffering off;
        }}
      }}
    """
    with _running(body, port, processes=processes):
        yield port


@contextmanager
def _running(body: str, port: int, *, processes: int = 1) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="spanmeter-bench-nginx-") as directory:
        configuration = Path(directory) / "nginx.conf"
        configuration.write_text(_FRAME.format(directory=directory, body=body, processes=processes), encoding="utf-8")
        process = subprocess.Popen(["nginx", "-p", directory, "-e", f"{directory}/error.log", "-c", str(configuration)])
        try:
            wait_for_port(port)
            yield
        finally:
            process.terminate()
            process.wait(10)
