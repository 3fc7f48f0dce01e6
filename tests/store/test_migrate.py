"""Migrations: applied once, refused when edited, finished after a kill; and the same files in both dialects."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.store import migrate
from ingestion.store.client import Store
from ingestion.store.dialect import Dialect, DialectError, statements
from ingestion.store.migrate import Migration, MigrationError, compare, read_folder
from tests.store.serving import Served

SCHEMA = migrate.FOLDER.parent / "schema.sql"


@pytest.fixture
def database(served: Served, store: Store, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A fresh database of its own."""
    name = f"db_{abs(hash(request.node.name))}"
    store.writer.command(f"CREATE DATABASE {name}")
    with within(served, name) as there:
        yield there
    store.writer.command(f"DROP DATABASE {name}")


def within(served: Served, name: str) -> Store:
    original = served.connect()
    return Store(replace(original.address, database=name), max_seconds=30, max_memory=10**9, timeout=60, size=4)


def shape(store: Store) -> tuple[list[Any], list[Any]]:
    """Return what tables and columns there are, free of the database's name."""
    tables = store.writer.rows(
        "SELECT name, engine, replaceAll(engine_full, currentDatabase(), 'DB'), sorting_key, partition_key,"
        " replaceAll(as_select, currentDatabase(), 'DB') FROM system.tables"
        " WHERE database = currentDatabase() AND name != 'schema_migrations' ORDER BY name"
    )
    columns = store.writer.rows(
        "SELECT table, name, type, position, default_kind, default_expression, compression_codec FROM system.columns"
        " WHERE database = currentDatabase() AND table != 'schema_migrations' ORDER BY table, position"
    )
    return tables, columns


def test_the_schema_in_one_place_is_what_the_migrations_make(served: Served, store: Store) -> None:
    if not SCHEMA.exists():
        pytest.skip("schema.sql is not written yet")
    shapes = []
    for name in ("schema_whole", "schema_migrated"):
        store.writer.command(f"DROP DATABASE IF EXISTS {name}")
        store.writer.command(f"CREATE DATABASE {name}")
        with within(served, name) as there:
            if name == "schema_whole":
                for statement in Dialect().render(SCHEMA.read_text()):
                    there.writer.command(statement)
            else:
                migrate.apply(there.writer, read_folder(), Dialect())
            shapes.append(shape(there))
        store.writer.command(f"DROP DATABASE {name}")
    assert shapes[0] == shapes[1]
    assert shapes[0][0]


def test_they_are_applied_once(database: Store) -> None:
    all_of_them = read_folder()
    assert [step.state for step in migrate.status(database.writer, all_of_them)] == ["pending"] * len(all_of_them)
    assert migrate.apply(database.writer, all_of_them, Dialect()) == all_of_them
    assert migrate.apply(database.writer, all_of_them, Dialect()) == []
    assert [step.state for step in migrate.status(database.writer, all_of_them)] == ["applied"] * len(all_of_them)


ONE = Migration(1, "make_a", "CREATE TABLE IF NOT EXISTS {{table:a}} (x UInt8) {{engine:MergeTree:a}} ORDER BY x;\n")
TWO = Migration(
    2,
    "widen_a",
    "ALTER TABLE {{table:a}} ADD COLUMN IF NOT EXISTS y UInt8;\nALTER TABLE {{table:b}} ADD COLUMN z UInt8;\n",
)


def test_one_that_breaks_in_the_middle_is_named_and_finished_later(database: Store) -> None:
    with pytest.raises(MigrationError, match=r"0002_widen_a\.sql, statement 2: .*error 60"):
        migrate.apply(database.writer, [ONE, TWO], Dialect())
    assert [step.state for step in migrate.status(database.writer, [ONE, TWO])] == ["applied", "pending"]
    database.writer.command("CREATE TABLE b (x UInt8) ENGINE = MergeTree ORDER BY x")
    assert migrate.apply(database.writer, [ONE, TWO], Dialect()) == [TWO]
    assert database.writer.rows(
        "SELECT name FROM system.columns WHERE table = 'b' AND database = currentDatabase()"
    ) == [
        ("x",),
        ("z",),
    ]


def test_an_edited_file_is_refused_by_name(database: Store) -> None:
    migrate.apply(database.writer, [ONE], Dialect())
    edited = replace(ONE, text=ONE.text + "-- a thought\n")
    with pytest.raises(MigrationError, match=r"0001_make_a\.sql was applied"):
        migrate.apply(database.writer, [edited], Dialect())


def test_latency_that_is_there_already_is_in_the_coarser_level_once(database: Store) -> None:
    *earlier, coarser = read_folder()[:3]
    migrate.apply(database.writer, earlier, Dialect())
    insert = (
        "INSERT INTO spans (project_id, trace_id, span_id, start_time, end_time, duration_us, kind, model) "
        "SELECT 7, toString(number), '1', toDateTime64('2026-05-20 00:00:00', 6, 'UTC') + number * 600 AS at, at, "
        "2000000, 'llm', 'm' FROM numbers(100)"
    )
    database.writer.command(insert)
    for statement in Dialect().render(coarser.text):  # a run that was killed before it was remembered
        database.writer.command(statement)
    assert migrate.apply(database.writer, [*earlier, coarser], Dialect()) == [coarser]
    database.writer.command(insert.replace("numbers(100)", "numbers(100, 20)"))
    sketch = "hex(quantilesDDMergeState(0.01, 0.5, 0.95, 0.99)(duration_quantiles))"
    select = f"SELECT toStartOfInterval(bucket, INTERVAL 6 HOUR) AS at, {sketch} FROM {{}} GROUP BY at ORDER BY at"
    coarse, fine = (database.writer.rows(select.format(f"latency_by_{level}")) for level in ("six_hours", "half_hour"))
    assert len(coarse) == 4
    assert coarse == fine


def test_numbers_must_fit() -> None:
    known = {1: (ONE.name, ONE.checksum), 2: (TWO.name, TWO.checksum)}
    with pytest.raises(MigrationError, match="0002_widen_a, which this version does not"):
        compare([ONE], known)
    with pytest.raises(MigrationError, match=r"0001_make_a\.sql was not applied"):
        compare([ONE, TWO], {2: known[2]})


def test_files_must_be_named_and_numbered(tmp_path: Path) -> None:
    (tmp_path / "0002_second.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="0001 was expected"):
        read_folder(tmp_path)
    (tmp_path / "0001_First.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="0001_First"):
        read_folder(tmp_path)


def test_the_command_line(served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in served.environment.items():
        monkeypatch.setenv(name, value)
    assert migrate.main(["plan"]) == 0
    assert "CREATE TABLE" in capsys.readouterr().out
    assert migrate.main(["apply"]) == 0
    assert migrate.main(["status"]) == 0
    assert "applied  0001_" in capsys.readouterr().out
    assert migrate.main(["apply"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    monkeypatch.setenv("SPANMETER_STORE_PORT", "1")
    assert migrate.main(["status"]) == 1
    assert "127.0.0.1:1 does not answer" in capsys.readouterr().err


FILE = """-- A table; and a comment.
CREATE TABLE IF NOT EXISTS {{table:spans}}
(
    id String, -- a key; not a statement's end
)
{{engine:ReplacingMergeTree:spans:version}}
ORDER BY id
SETTINGS {{dedup}};

CREATE MATERIALIZED VIEW IF NOT EXISTS {{view:spans_mv}} TO {{table:counts}} AS SELECT count() FROM {{table:spans}};
ALTER TABLE {{table:spans}} ADD COLUMN IF NOT EXISTS x UInt8;
ALTER TABLE {{table:spans}} ADD COLUMN y UInt8 AFTER x, MODIFY ORDER BY (id, y);
ALTER TABLE {{table:spans}} ADD INDEX i x TYPE minmax;
DROP TABLE IF EXISTS {{table:old}};
"""

EMBEDDED = [
    "CREATE TABLE IF NOT EXISTS spans\n(\n    id String, -- a key; not a statement's end\n)\n"
    "ENGINE = ReplacingMergeTree(version)\nORDER BY id\nSETTINGS non_replicated_deduplication_window = 1000",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS spans_mv TO counts AS SELECT count() FROM spans",
    "ALTER TABLE spans ADD COLUMN IF NOT EXISTS x UInt8",
    "ALTER TABLE spans ADD COLUMN y UInt8 AFTER x, MODIFY ORDER BY (id, y)",
    "ALTER TABLE spans ADD INDEX i x TYPE minmax",
    "DROP TABLE IF EXISTS old",
]
CLUSTERED = [
    "CREATE TABLE IF NOT EXISTS spans_local ON CLUSTER 'main'\n(\n    id String, -- a key; not a statement's end\n)\n"
    "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/spans_local', '{replica}', version)\n"
    "ORDER BY id\nSETTINGS replicated_deduplication_window = 1000",
    "CREATE TABLE IF NOT EXISTS spans ON CLUSTER 'main' AS spans_local"
    " ENGINE = Distributed('main', currentDatabase(), spans_local, cityHash64(trace_id))",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS spans_mv ON CLUSTER 'main'"
    " TO counts_local AS SELECT count() FROM spans_local",
    "ALTER TABLE spans_local ON CLUSTER 'main' ADD COLUMN IF NOT EXISTS x UInt8",
    "ALTER TABLE spans ON CLUSTER 'main' ADD COLUMN IF NOT EXISTS x UInt8",
    "ALTER TABLE spans_local ON CLUSTER 'main' ADD COLUMN y UInt8 AFTER x, MODIFY ORDER BY (id, y)",
    "ALTER TABLE spans ON CLUSTER 'main' ADD COLUMN y UInt8 AFTER x",
    "ALTER TABLE spans_local ON CLUSTER 'main' ADD INDEX i x TYPE minmax",
    "DROP TABLE IF EXISTS old_local ON CLUSTER 'main'",
    "DROP TABLE IF EXISTS old ON CLUSTER 'main'",
]


def test_one_file_in_both_dialects() -> None:
    assert Dialect().render(FILE) == EMBEDDED
    assert Dialect("main").render(FILE) == CLUSTERED


@pytest.mark.parametrize("cluster", ["", "main"])
def test_our_own_files_render_whole(cluster: str) -> None:
    for migration in read_folder():
        for statement in Dialect(cluster).render(migration.text):
            assert "{{" not in statement
            assert statement.startswith(("CREATE", "ALTER", "DROP", "INSERT"))


def test_a_placeholder_nobody_knows_is_shown() -> None:
    for wrong in ("{{tabel:x}}", "{{engine:Memory:x}}", "{{}}"):
        with pytest.raises(DialectError, match="known are"):
            Dialect().render(f"SELECT {wrong};")


def test_statements_end_at_the_end_of_a_line() -> None:
    assert statements("SELECT ';'; \n-- only a comment\n\nSELECT 2;") == ["SELECT ';'", "SELECT 2"]
