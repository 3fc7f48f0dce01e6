"""Alice at her browser, and the store's side of her project; a database on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from ingestion.store.client import Store
from tests.conftest import People
from tests.postgresql import fresh_database
from tests.rows import Bench


@pytest.fixture
def alice(client: Client, people: People) -> Client:
    """The owner, signed in."""
    client.force_login(people.alice)
    return client


@pytest.fixture
def recent() -> datetime:
    """A minute ago: pages and API look at the real clock."""
    return datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def rows(store: Store, people: People) -> Bench:
    """The store's side of Alice's project."""
    return Bench(store, people.project.pk)


@pytest.fixture
def database_url() -> Iterator[str]:
    """A database of our own on PostgreSQL."""
    with fresh_database() as url:
        yield url
