"""The optional sentence model: computed from its files alone, and absent or broken without harm.

The weights here are drawn by chance, so that the arithmetic is tested without 90 MB from a package index. What the real
ones are worth, `python -m bench.groundedness` shows.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from apps.evals.evaluators import embeddings
from apps.evals.evaluators.minilm import MiniLM
from tests.apps.evals.evaluators.judging import BINARY, judged

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "the",
    "plan",
    "costs",
    "money",
    "free",
    "##dom",
    "is",
    ".",
    "café",
    "cafe",
]


def write_model(folder: Path) -> None:
    """Weights of the real shapes, by chance."""
    chance = np.random.default_rng(1)
    wide = 1536
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), 384),
        "embeddings.position_embeddings.weight": (512, 384),
        "embeddings.token_type_embeddings.weight": (2, 384),
        "embeddings.LayerNorm.weight": (384,),
        "embeddings.LayerNorm.bias": (384,),
    }
    for layer in range(6):
        name = f"encoder.layer.{layer}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= {f"{name}{part}.weight": (384, 384), f"{name}{part}.bias": (384,)}
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{name}{part}.weight": (384,), f"{name}{part}.bias": (384,)}
        shapes |= {f"{name}intermediate.dense.weight": (wide, 384), f"{name}intermediate.dense.bias": (wide,)}
        shapes |= {f"{name}output.dense.weight": (384, wide), f"{name}output.dense.bias": (384,)}
    places: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = bytearray()
    for name, shape in shapes.items():
        start = len(body)
        numbers = chance.standard_normal(shape, dtype=np.float32) * np.float32(0.05)
        body += (numbers + np.float32(name.endswith("LayerNorm.weight"))).tobytes()
        places[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(body)]}
    head = json.dumps(places).encode()
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + bytes(body))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("minilm")
    write_model(made)
    return made


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The model is kept for the process; not beyond these tests."""
    embeddings.similarity.cache_clear()
    yield
    embeddings.similarity.cache_clear()


def test_a_text_has_one_unit_vector_whatever_stands_beside_it(folder: Path) -> None:
    model = MiniLM(folder)
    texts = ["the plan costs money", "free", "the plan is free . " * 6, "", BINARY, "प्लान"]
    together = model.embed(texts)
    assert together.shape == (len(texts), 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-4)
    for text, vector in zip(texts, together, strict=True):
        assert np.allclose(model.embed([text])[0], vector, atol=1e-4)


def test_case_accents_and_unknown_endings_are_read_as_the_model_learnt_them(folder: Path) -> None:
    model = MiniLM(folder)
    same, other = model.embed(["THE CAFÉ", "freedom", "the cafe", "free"])[[0, 2]], model.embed(["freedom", "free"])
    assert np.allclose(same[0], same[1], atol=1e-5)
    assert not np.allclose(other[0], other[1], atol=1e-3)


@pytest.mark.usefixtures("forgotten")
def test_where_it_is_installed_groundedness_uses_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "_folder", lambda: folder)
    likeness = embeddings.similarity()
    assert likeness is not None
    assert likeness("the plan", ["the plan"])[0] == 1.0
    verdict = judged("groundedness", {}, "The plan costs money.", documents=("The plan costs money.",))
    assert verdict.value == 1.0
    assert verdict.metadata["method"] == "words and embeddings"
    off = judged("groundedness", {"embeddings": "off"}, "The plan costs money.", documents=("The plan costs money.",))
    assert off.metadata["method"] == "words"


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("damage", [b"", b"\x10\x00\x00\x00\x00\x00\x00\x00{", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_a_broken_installation_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(damage)
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS))
    monkeypatch.setattr(embeddings, "_folder", lambda: tmp_path)
    verdict = judged("groundedness", {}, "The plan costs much.", documents=("The plan costs money.",))
    assert verdict.metadata["method"] == "words"
