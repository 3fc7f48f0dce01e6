"""Workers are killed at random while they deliver: every message arrives, each under one id."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.apps.alerts.receiver import Got, Said, receiver

pytestmark = [pytest.mark.kill, pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[3]
ROUNDS = int(os.environ.get("SPANMETER_KILL_ROUNDS", "10"))
MESSAGES = 40


def worker(home: Path, database: Path) -> "subprocess.Popen[bytes]":
    """One that has begun."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPANMETER_")}
    environment = kept | {
        "SPANMETER_HOME": str(home),
        "SPANMETER_DATABASE_URL": f"sqlite:///{database}",
        "SPANMETER_SECRET_KEY": "k" * 50,
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
    }
    command = [sys.executable, "-m", "tests.apps.alerts.delivering", "127.0.0.1"]
    with (home / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    with process.stdout as said:
        said.readline()
    return process


def seeded(home: Path, database: Path, url: str) -> None:
    """A database with messages that are due, made by a process of its own."""
    program = (
        "import django; django.setup()\n"
        "from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
        "from datetime import UTC, datetime\n"
        "from apps.accounts import services; from apps.accounts.models import User\n"
        "from apps.alerts.channel_services import channel_create; from apps.alerts.outbox import test_note\n"
        "from apps.alerts.models import Delivery\n"
        "owner = User.objects.create_user(email='a@example.org')\n"
        "acme = services.organisation_create(name='Acme', owner=owner)\n"
        "project = services.project_create(organisation=acme, name='A')\n"
        f"made = channel_create(project=project, name='h', kind='webhook', values={{'url': {url!r}}})\n"
        f"for _ in range({MESSAGES}): print(test_note(made.channel, now=datetime.now(UTC)).message_id)\n"
        "Delivery.objects.update(type='alert.firing')\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPANMETER_")}
    environment = kept | {
        "SPANMETER_HOME": str(home), "SPANMETER_DATABASE_URL": f"sqlite:///{database}",
        "SPANMETER_SECRET_KEY": "k" * 50, "DJANGO_SETTINGS_MODULE": "apps.config.settings",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (home / "ids").write_text(done.stdout)


def test_no_message_is_lost_whoever_is_killed(tmp_path: Path) -> None:
    """Two workers, one of them killed again and again; the receiver refuses some, so that retries are among them."""
    rng, database = random.Random(11), tmp_path / "app.sqlite3"
    with receiver() as post:

        def answer(got: Got) -> Said:
            time.sleep(rng.uniform(0, 0.03))  # a call takes a while, or nobody could be killed in it
            again = post.ids().count(got.headers["webhook-id"]) > 1
            return Said(200 if again or len(post.got) % 9 else 500)

        post.answer = answer
        seeded(tmp_path, database, post.url)
        wanted = set((tmp_path / "ids").read_text().split())
        workers = [worker(tmp_path, database) for _ in range(2)]
        try:
            for number in range(ROUNDS):
                post.wait_for(len(post.got) + rng.randrange(1, 6), seconds=3)
                workers[number % 2].kill()
                workers[number % 2].wait()
                workers[number % 2] = worker(tmp_path, database)
            deadline = time.monotonic() + 90
            while _waiting(database) and time.monotonic() < deadline:
                post.wait_for(len(post.got) + 1, seconds=1)
        finally:
            for process in workers:
                process.kill()
                process.wait()
        assert _waiting(database) == 0, (tmp_path / "worker.log").read_text()[-2000:]
        assert set(post.ids()) == wanted
        assert len(post.got) < 3 * MESSAGES


def _waiting(database: Path) -> int:
    with sqlite3.connect(database, timeout=20) as rows:
        count: int = rows.execute("SELECT count(*) FROM alerts_delivery WHERE status != 'sent'").fetchone()[0]
    rows.close()
    return count
