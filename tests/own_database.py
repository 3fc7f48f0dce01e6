"""A database of its own in the store of the tests, with the schema and nothing else in it.

A mutation rewrites every part of a table: in the database that all tests share it would wait for what they left behind.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ingestion.store import migrate
from ingestion.store.client import Store
from ingestion.store.dialect import Dialect

__all__ = ["own_database"]


@contextmanager
def own_database(store: Store) -> Iterator[Store]:
    """Make it, and drop it afterwards."""
    name = f"own_{secrets.token_hex(6)}"
    store.writer.command(f"CREATE DATABASE {name}")
    own = Store(replace(store.address, database=name), max_seconds=30, max_memory=10**9, timeout=60, size=4)
    try:
        migrate.apply(own.writer, migrate.read_folder(), Dialect())
        yield own
    finally:
        own.close()
        store.writer.command(f"DROP DATABASE {name} SYNC")
