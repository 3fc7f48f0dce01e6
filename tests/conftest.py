"""Alice (owner), Bob (member) and the outsider; a real store, started once, in which every test has a project of its
own; a fixed now.
"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from ingestion.settings import StoreSettings
from ingestion.store import migrate
from ingestion.store.client import Store, connect
from ingestion.store.dialect import Dialect
from tests.rows import NOW, Bench

if TYPE_CHECKING:
    from apps.accounts.models import Organisation, Project, User
    from apps.analytics.run import Reads

ROOT = Path(__file__).resolve().parents[1]
# No example is timed: a machine may be busy. Where everything is required, as before a change lands, the examples are
# the same each time; elsewhere each run looks at new ones.
hypothesis.settings.register_profile(
    "spanmeter", deadline=None, derandomize=bool(os.environ.get("SPANMETER_TEST_REQUIRE"))
)
hypothesis.settings.load_profile("spanmeter")


def pytest_configure() -> None:
    """Pages without collected files, quick passwords: neither is what these tests are about."""
    from django.conf import settings

    settings.STATIC_ROOT = tempfile.mkdtemp(prefix="spanmeter-static-")
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def now() -> datetime:
    """A Wednesday noon."""
    return NOW


# ---- people ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class People:
    """Alice owns Acme and its project; Bob is a member there; the outsider owns Other Corp and its project."""

    alice: "User"
    bob: "User"
    outsider: "User"
    acme: "Organisation"
    project: "Project"
    other: "Project"


@pytest.fixture
def people(db: None) -> People:
    """The three, their organisations and projects."""
    from apps.accounts import services
    from apps.accounts.models import Role, User

    alice, bob, outsider = (
        User.objects.create_user(email=f"{name}@example.org", password=f"{name}-has-a-password", name=name.title())
        for name in ("alice", "bob", "outsider")
    )
    acme = services.organisation_create(name="Acme", owner=alice)
    services.membership_add(organisation=acme, user=bob, role=Role.MEMBER)
    other = services.organisation_create(name="Other Corp", owner=outsider)
    return People(
        alice=alice,
        bob=bob,
        outsider=outsider,
        acme=acme,
        project=services.project_create(organisation=acme, name="Assistant"),
        other=services.project_create(organisation=other, name="Elsewhere"),
    )


# ---- the store -------------------------------------------------------------------------------------------------------


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The embedded store as its own process, with the schema."""
    home = tmp_path_factory.mktemp("store-home")
    values = {
        "SPANMETER_HOME": str(home),
        "SPANMETER_STORE_PORT": str(free_port()),
        "SPANMETER_STORE_PASSWORD": secrets.token_urlsafe(16),
        "SPANMETER_STORE_MEMORY": "1000000000",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPANMETER_")} | values
    with (home / "store.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingestion.store.server"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    store = connect(StoreSettings.read(values))
    try:
        store.wait(patience=60)
        migrate.apply(store.writer, migrate.read_folder(), Dialect())
        yield store
    finally:
        store.close()
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def bench(store: Store) -> Bench:
    """A project nobody else writes to."""
    return Bench(store, secrets.randbelow(2**52) + 1)


def install_reads(store: Store) -> None:
    """Let pages and API read this store."""
    from apps.analytics.run import Reads, install

    reader = store.reader
    install(lambda: Reads(reader))


@pytest.fixture
def reading(store: Store) -> Iterator[None]:
    """The process reads the test store, and nothing afterwards."""
    from apps.analytics.run import install

    install_reads(store)
    yield
    install(_nothing)


def _nothing() -> "Reads":
    raise RuntimeError("this test reads the store without the `reading` fixture")
