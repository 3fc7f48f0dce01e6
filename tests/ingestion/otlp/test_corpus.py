"""One call said in three generations of the convention is one and the same row."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingestion.otlp.sent import body, span
from tests.ingestion.world import World

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
AS_JSON = {"input", "output", "model_parameters"}


def shown(column: str, value: Any) -> Any:
    if column in AS_JSON:
        return json.loads(value) if value else value
    if column == "usage":
        return {bucket: str(int(amount)) for bucket, amount in value.items()}
    return value


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_generations_agree(world: World, path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    gateway = world.gateway()
    for generation, sent in case["generations"].items():
        payload = body(span(name=generation, **sent))
        world.put(gateway, world.body(b"", records=1, payload=payload))
    world.ingest().drain()
    expected = case["expected"]
    columns = list(expected)
    rows = world.rows(f"SELECT name, {', '.join(columns)} FROM spans WHERE project_id = %(project)s")
    found = {row[0]: {c: shown(c, value) for c, value in zip(columns, row[1:], strict=True)} for row in rows}
    assert found == dict.fromkeys(case["generations"], expected)
    world.assert_balanced()
