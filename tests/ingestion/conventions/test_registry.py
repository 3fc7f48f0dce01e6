"""Every convention is registered, and what the registry says is of one piece."""

from importlib import import_module
from pathlib import Path

from ingestion import conventions
from ingestion.conventions import CONVENTIONS, Convention, Field, key_numbers, sources

ROOM = Path(conventions.__file__).parent


def test_every_file_is_registered() -> None:
    files = {path.stem for path in ROOM.glob("*.py")} - {"__init__", "base"}
    found = {
        name
        for stem in files
        for name, value in vars(import_module(f"ingestion.conventions.{stem}")).items()
        if isinstance(value, Convention) and value in CONVENTIONS and name.isupper()
    }
    assert len(found) == len(files) == len(CONVENTIONS)


def test_newer_names_come_first() -> None:
    assert [source.key for source in sources(Field.CACHE_WRITE_TOKENS)][:2] == [
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
    ]
    assert sources(Field.INPUT_TOKENS)[0].key == "gen_ai.usage.input_tokens"


def test_keys_fit_the_small_number_that_stands_for_them() -> None:
    assert 0 < max(key_numbers().values()) < 256


def test_every_key_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "otlp.md").read_text(encoding="utf-8")
    for field in (
        Field.INPUT_TOKENS,
        Field.OUTPUT_TOKENS,
        Field.CACHE_READ_TOKENS,
        Field.CACHE_WRITE_TOKENS,
        Field.MODEL,
    ):
        for source in sources(field):
            assert f"`{source.key}`" in text
