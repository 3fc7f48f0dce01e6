"""Text that compresses like text: an order-2 Markov chain over the Python manual that every Python carries."""

import random
import re
from collections import defaultdict
from functools import cache

__all__ = ["Writer"]


@cache
def _chain() -> tuple[dict[tuple[str, str], list[str]], list[tuple[str, str]]]:
    from pydoc_data.topics import topics

    words = re.findall(r"[\w'.,;:()-]+", " ".join(topics.values()))
    chain: dict[tuple[str, str], list[str]] = defaultdict(list)
    starts = []
    for one, two, three in zip(words, words[1:], words[2:], strict=False):
        chain[one, two].append(three)
        if one.endswith(".") and two[:1].isupper():
            starts.append((two, three))
    return dict(chain), starts


class Writer:
    """Writes text of about so many words; the same seed writes the same."""

    def __init__(self, *, seed: int) -> None:
        self._random = random.Random(seed)
        self._chain, self._starts = _chain()

    def text(self, words: int) -> str:
        """Return a paragraph."""
        pair = self._random.choice(self._starts)
        written = [*pair]
        while len(written) < words:
            follow = self._chain.get(pair)
            if not follow:
                pair = self._random.choice(self._starts)
                written += pair
                continue
            word = self._random.choice(follow)
            written.append(word)
            pair = (pair[1], word)
        return " ".join(written)
