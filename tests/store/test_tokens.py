"""A kill between a token's note and its part: what the engine then takes for stored is not."""

import shutil
from pathlib import Path

import pytest

from ingestion.store.server.tokens import forget_lost_tokens, lost
from tests.store.serving import Served

TABLES = (
    "CREATE TABLE rows (k UInt64) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 1000",
    "CREATE TABLE counts (k UInt64, n UInt64) ENGINE = MergeTree ORDER BY k"
    " SETTINGS non_replicated_deduplication_window = 1000",
    "CREATE MATERIALIZED VIEW counts_mv TO counts AS SELECT toUInt64(0) AS k, toUInt64(count()) AS n FROM rows",
)


@pytest.mark.parametrize(
    ("part", "parts", "gone"),
    [
        ("all_3_3_0", [], True),
        ("all_3_3_0", ["all_3_3_0"], False),
        ("all_3_3_0", ["all_1_2_1", "all_4_9_1"], True),
        ("all_3_3_0", ["all_1_7_2"], False),
        ("all_3_3_0", ["all_1_7_2_9"], False),
        ("all_3_3_0", ["tmp_insert_all_3_3_0", "detached", "format_version.txt"], True),
        ("202511_3_3_0", ["202512_1_7_2"], True),
        ("20251101-1_3_3_0", ["20251101-1_3_3_0"], False),
    ],
)
def test_a_token_is_lost_with_its_part(part: str, parts: list[str], gone: bool) -> None:
    line = f"1\t{part}\tall_1_2".encode()
    assert lost([line], parts) == ([line] if gone else [])


@pytest.mark.parametrize(
    "line", [b"", b"1", b"2\tall_3_3_0\tall_1_2", b"1\tnot a part\tx", b"\xff\t\xff", b"9\tall_3_3_0"]
)
def test_what_cannot_be_judged_stays(line: bytes) -> None:
    assert lost([line], []) == []


def test_a_directory_without_tables_is_left_alone(tmp_path: Path) -> None:
    assert forget_lost_tokens(tmp_path) == 0


@pytest.mark.parametrize("table", ["rows", "counts"])
def test_a_repeated_insert_fills_the_hole_and_doubles_nothing(tmp_path: Path, table: str) -> None:
    own = Served(tmp_path)
    with own.connect() as store:
        for statement in TABLES:
            store.writer.command(statement)
        for batch in range(3):
            store.writer.insert("rows", {"k": list(range(10 * batch, 10 * batch + 10))}, token=f"batch/{batch}")
        own.kill()
        # As if the kill had come a moment earlier: the token of the last block is noted, its part is not in place.
        parts = [path for path in (tmp_path / "store").glob("store/*/*/all_3_3_*") if path.is_dir()]
        columns = {path: (path.parent / path.name / "columns.txt").read_text() for path in parts}
        (hole,) = (path for path, text in columns.items() if ("`n`" in text) == (table == "counts"))
        shutil.rmtree(hole)
        own.start()
        for batch in (2, 1):
            store.writer.insert("rows", {"k": list(range(10 * batch, 10 * batch + 10))}, token=f"batch/{batch}")
        counted = store.writer.rows("SELECT (SELECT count() FROM rows), (SELECT sum(n) FROM counts)")
    own.stop()
    assert counted == [(30, 30)]
