"""Bring a ClickHouse to the schema of this version: `python -m ingestion.store.migrate apply | status | plan`.

Migrations are numbered SQL files; each is remembered in `schema_migrations` with the checksum of its text when it is
done. A file that was applied and then edited is refused by name. Every statement can be run again (IF NOT EXISTS), so
a migration that was killed in the middle is simply run from its start.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingestion.settings import SettingsError, StoreSettings
from ingestion.store.client import Store, StoreError, Writer, connect
from ingestion.store.dialect import Dialect

__all__ = ["FOLDER", "Migration", "MigrationError", "Step", "apply", "compare", "main", "read_folder", "status"]

FOLDER = Path(__file__).parent / "migrations"

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

# Not a migration: it must be there before the first. Rows are only added; a repeated one is the same row.
_TABLE = """
CREATE TABLE IF NOT EXISTS {{table:schema_migrations}}
(
    number     UInt32,
    name       String,
    checksum   String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
{{engine:ReplacingMergeTree:schema_migrations}}
ORDER BY number
SETTINGS {{dedup}};
"""

State = Literal["applied", "pending"]


class MigrationError(Exception):
    """The files do not fit the database or each other; the message names the file and the way out."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def file(self) -> str:
        """Return the file's name."""
        return f"{self.number:04d}_{self.name}.sql"


@dataclass(frozen=True, slots=True)
class Step:
    """A migration and whether this database has it."""

    migration: Migration
    state: State


def read_folder(folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations in order; the numbers must be 1, 2, 3 …"""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if not match:
            raise MigrationError(f"{path.name}: a migration is named NNNN_a_sentence.sql")
        found.append(Migration(number=int(match[1]), name=match[2], text=path.read_text(encoding="utf-8")))
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationError(f"{migration.file}: number {expected:04d} was expected here; renumber it")
    return found


def compare(migrations: Iterable[Migration], applied: dict[int, tuple[str, str]]) -> list[Step]:
    """Return what is to be done, given number → (name, checksum) of what was; refuse an edited or missing file."""
    steps: list[Step] = []
    for migration in migrations:
        known = applied.get(migration.number)
        if known and known[1] != migration.checksum:
            raise MigrationError(
                f"{migration.file} was applied as {known[0]} with another text; "
                "restore that text and say the change in a new migration"
            )
        if known is None and any(number > migration.number for number in applied):
            raise MigrationError(f"{migration.file} was not applied, but later ones were; give it the next free number")
        steps.append(Step(migration, "applied" if known else "pending"))
    beyond = sorted(set(applied) - {step.migration.number for step in steps})
    if beyond:
        number, name = beyond[0], applied[beyond[0]][0]
        raise MigrationError(
            f"the database has migration {number:04d}_{name}, which this version does not; upgrade first"
        )
    return steps


def status(writer: Writer, migrations: Sequence[Migration]) -> list[Step]:
    """Return each migration with its state in this database. Changes nothing."""
    if not writer.rows("EXISTS TABLE schema_migrations")[0][0]:
        return compare(migrations, {})
    rows = writer.rows("SELECT number, any(name), any(checksum) FROM schema_migrations GROUP BY number")
    return compare(migrations, {int(number): (str(name), str(checksum)) for number, name, checksum in rows})


def apply(writer: Writer, migrations: Sequence[Migration], dialect: Dialect) -> list[Migration]:
    """Run what is pending; return what was run."""
    pending = [step.migration for step in status(writer, migrations) if step.state == "pending"]
    if pending:
        for statement in dialect.render(_TABLE):
            writer.command(statement)
    for migration in pending:
        for number, statement in enumerate(dialect.render(migration.text), start=1):
            try:
                writer.command(statement)
            except StoreError as error:
                raise MigrationError(f"{migration.file}, statement {number}: {error}") from error
        row: dict[str, list[object]] = {
            "number": [migration.number],
            "name": [migration.name],
            "checksum": [migration.checksum],
        }
        writer.insert("schema_migrations", row, token=f"migration/{migration.number}/{migration.checksum}")
    return pending


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _run(action: str, store: Store, dialect: Dialect) -> None:
    migrations = read_folder()
    if action == "apply":
        done = apply(store.writer, migrations, dialect)
        for migration in done:
            _say(f"applied {migration.file}")
        if not done:
            _say(f"nothing to do: {len(migrations)} applied")
        return
    for step in status(store.writer, migrations):
        if action == "status":
            _say(f"{step.state:8} {step.migration.file}")
        elif step.state == "pending":
            _say(f"-- {step.migration.file}")
            for statement in dialect.render(step.migration.text):
                _say(f"{statement};\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ingestion.store.migrate", description="The schema of ClickHouse.")
    parser.add_argument(
        "action", choices=("apply", "status", "plan"), help="run what is pending, list, or print its SQL"
    )
    chosen = parser.parse_args(arguments)
    try:
        settings = StoreSettings.read()
        with connect(settings) as store:
            _run(chosen.action, store, Dialect(cluster=settings.cluster))
    except (MigrationError, StoreError, SettingsError, ValueError) as error:
        sys.stderr.write(f"migrate: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
