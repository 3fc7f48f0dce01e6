"""The web process as gunicorn starts it."""

import os
import subprocess
import sys
from pathlib import Path

from apps.config.secret_file import secrets_ensure
from tests.conftest import free_port

BROKEN = """
import sys

class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "apps.gpu.views":
            raise ImportError("cannot import name 'gone'\\nfrom 'apps.gpu'")

sys.meta_path.insert(0, Broken())
"""


def test_a_page_that_cannot_be_imported_is_said_once_and_ends_the_process(tmp_path: Path) -> None:
    home, site = tmp_path / "home", tmp_path / "site"
    secrets_ensure(home)
    site.mkdir()
    (site / "sitecustomize.py").write_text(BROKEN)
    command = [sys.executable, "-m", "gunicorn", "--config", "python:apps.config.gunicorn", "apps.config.wsgi"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(site),
        "SPANMETER_HOME": str(home),
        "SPANMETER_WEB_PORT": str(free_port()),
    }
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 4
    assert ended.stderr.count("cannot import name 'gone' from 'apps.gpu'") == 1
    assert "web: cannot start: ImportError" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "ready" not in ended.stdout
