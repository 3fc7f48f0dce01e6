"""The worker as a process, on the embedded broker and on Redis: a job handed over is done, also after `kill -9`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

ROOT = Path(__file__).resolve().parents[3]
WORKER = (
    "-m", "celery", "--app", "apps.config.celery", "worker", "--pool", "solo", "--loglevel", "info",
    "--without-gossip", "--without-mingle",
)  # fmt: skip
SEND = "from apps.config.celery import app; app.send_task('apps.config.jobs.heartbeat')"


class Workers:
    """Starts workers of one installation and stops them."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SPANMETER_")}
        self.environment = kept | {"SPANMETER_HOME": str(home), **settings}
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        with (self.home / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *WORKER, *options], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def send(self) -> None:
        subprocess.run([sys.executable, "-c", SEND], cwd=ROOT, env=self.environment, check=True, timeout=60)

    def heartbeat(self, *, patience: float = 60) -> str:
        """Wait for the job's trace; return the process that did it."""
        deadline = time.monotonic() + patience
        path = self.home / "broker" / "heartbeat.json"
        while time.monotonic() < deadline:
            if path.exists():
                return str(json.loads(path.read_text())["pid"])
            time.sleep(0.05)
        raise AssertionError((self.home / "worker.log").read_text()[-3000:])

    def stop(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Workers]:
    """On files."""
    workers = Workers(tmp_path)
    yield workers
    workers.stop()


@pytest.fixture
def on_redis(tmp_path: Path) -> Iterator[Workers]:
    """On a Redis database that is emptied of our keys afterwards."""
    url = os.environ.get("SPANMETER_TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
    client = redis.Redis.from_url(url, socket_connect_timeout=2)
    try:
        client.ping()
    except redis.RedisError as error:
        pytest.skip(f"no redis: {error}")
    workers = Workers(tmp_path, SPANMETER_REDIS_URL=url)
    (tmp_path / "broker").mkdir()
    yield workers
    workers.stop()
    for key in client.scan_iter("spanmeter:*"):
        client.delete(key)
    client.close()


@pytest.mark.kill
def test_a_job_that_nobody_has_taken_outlives_a_kill(embedded: Workers) -> None:
    first = embedded.start()
    embedded.send()
    assert embedded.heartbeat() == str(first.pid)
    first.send_signal(signal.SIGKILL)
    first.wait()
    (embedded.home / "broker" / "heartbeat.json").unlink()
    embedded.send()
    second = embedded.start()
    assert embedded.heartbeat() == str(second.pid)


def test_beat_is_a_thread_of_the_worker(embedded: Workers) -> None:
    worker = embedded.start("--beat")
    embedded.send()
    assert embedded.heartbeat() == str(worker.pid)
    assert "beat: Starting" in (embedded.home / "worker.log").read_text()
    assert Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text() == ""


@pytest.mark.redis
def test_a_job_goes_through_redis(on_redis: Workers) -> None:
    worker = on_redis.start()
    on_redis.send()
    assert on_redis.heartbeat() == str(worker.pid)
