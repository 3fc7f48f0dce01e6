"""gunicorn's settings: `gunicorn --config python:apps.config.gunicorn apps.config.wsgi`. One process with threads: a
page waits for the
store, not for Python, and a second process would cost its memory again.
"""

import os
import socket
import sys
import traceback
from typing import Any

from apps.config.web_settings import WebSettings
from ingestion.settings import SettingsError

try:
    _web = WebSettings.read(os.environ)
except SettingsError as error:
    sys.exit(f"web: {error}")

bind = f"{_web.host}:{_web.port}"
worker_class = "gthread"
workers = 1
threads = _web.threads
timeout = 120
graceful_timeout = 5
keepalive = 30
limit_request_line = 8190  # a page's address carries its filters, and the place in a list
max_requests = 0
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
forwarded_allow_ips = "*" if _web.behind_proxy else "127.0.0.1"
loglevel = "warning"
accesslog = None
proc_name = "spanmeter-web"
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Say which port is taken and what to set, instead of five attempts and a traceback."""
    family = socket.AF_INET6 if ":" in _web.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_web.host, _web.port))
        except OSError as error:
            sys.stderr.write(
                f"web: cannot listen on {_web.host}:{_web.port} ({error.strerror}); "
                "set SPANMETER_WEB_PORT to a free port, or SPANMETER_WEB_HOST to an address of this machine\n"
            )
            raise SystemExit(1) from None


def post_fork(server: Any, worker: Any) -> None:
    """Import every page before the first request: what cannot be imported is said once, in a line, and ends the
    process. Left to the first request, each one would print the same traceback a dozen times over.
    """
    try:
        from django.urls import get_resolver

        import apps.config.wsgi  # noqa: F401  (sets Django up)

        _ = get_resolver().url_patterns
    except Exception as error:  # a module may fail in any way
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
        said = " ".join(f"{type(error).__name__}: {error}".split())
        sys.stderr.write(f"web: cannot start: {said} ({frames[-1].filename}:{frames[-1].lineno})\n")
        raise SystemExit(server.APP_LOAD_ERROR) from None


def post_worker_init(worker: Any) -> None:
    """One line, like the other processes."""
    sys.stdout.write(f"web: ready on http://{_web.host}:{_web.port}\n")
    sys.stdout.flush()
