"""How well evidence supports a claim: by shared words that are rare, and by hard checks. Pure.

A word counts by how rare it is in the evidence (idf). The share of a claim's weight that one place of the evidence
holds is its support there; the best place wins. Then what a few wrong letters can hide is checked: a number or a name
that the evidence does not have, a negation that only one side has, an opposite.
"""

import heapq
import math
import tomllib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from apps.evals.evaluators.claims import Sentence, Word, numbers_of, sentences_of, words_of
from apps.evals.evaluators.languages import STOP_WORDS

__all__ = ["Evidence", "Found", "Similar", "Unit"]

MOST_UNITS = 3_000
_NOTHING: frozenset[str] = frozenset()
_CANDIDATES = 6
_MOST_PLACES = 500  # of one word; a word with more decides little
_OPEN = (0.25, 0.95)  # between these, words alone do not decide
_COMPARED = 3  # places whose meaning is compared, for one claim
_MOST_COMPARED = 160  # sentences for one subject: a sentence takes some ten milliseconds
_CLOSER = 1.25  # times as much in common: then that sentence is what the claim is about
_FORM = 0.7  # of a word must be the same from its beginning to be another form of it
_NEIGHBOURS = 0.9  # what a word is worth that stands in the sentence beside
_ELSEWHERE = 0.35  # …that stands elsewhere in the evidence
_ASKED = 0.5  # the weight of a word that the question brought
_CAP_NUMBER, _CAP_NAME, _CAP_POLARITY = 0.2, 0.3, 0.25
_LISTS = tomllib.loads((Path(__file__).parent / "evidence_words.toml").read_text(encoding="utf-8"))
_NOT = frozenset(_LISTS["negations"].split())
_OPPOSITES = [frozenset(pair.split("/")) for pair in _LISTS["opposites"].split()]
_OPPOSITE_STEMS = [frozenset(word.stem for one in pair for word in words_of(one)) for pair in _OPPOSITES]

Similar = Callable[[str, Sequence[str]], Sequence[float]]  # claim, texts → likeness of each, 0..1


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence of the evidence: which source, where, and its words."""

    source: int
    sentence: Sentence
    words: tuple[Word, ...]
    stems: frozenset[str]
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """The support of one claim, 0 to 1, and the best place for it (None: there is none); `why` a check failed.

    `shared` is the support by words, before the checks; `topic` what this one sentence shares beside numbers.
    """

    support: float
    unit: Unit | None = None
    why: str = ""
    shared: float = 0.0
    topic: float = 0.0


class Evidence:
    """The evidence of one subject, indexed by word."""

    def __init__(self, sources: Sequence[str], *, question: str = "", similar: Similar | None = None) -> None:
        self.units: list[Unit] = []
        self.cut = False
        for source, text in enumerate(sources):
            for sentence in sentences_of(text):
                if len(self.units) >= MOST_UNITS:
                    self.cut = True
                    break
                words = words_of(sentence.text)
                stems = frozenset(word.stem for word in words)
                self.units.append(Unit(source, sentence, words, stems, numbers_of(words)))
        self._places: dict[str, list[int]] = defaultdict(list)
        for at, unit in enumerate(self.units):
            for stem in unit.stems:
                self._places[stem].append(at)
        self._near: dict[str, set[str]] = defaultdict(set)
        for stem in self._places:
            self._near[stem[:4]].add(stem)
        self._numbers = _NOTHING.union(*(unit.numbers for unit in self.units)) | numbers_of(words_of(question))
        self._asked = frozenset(word.stem for word in words_of(question))
        self._openings: dict[int, frozenset[str]] = {}
        for unit in self.units:
            self._openings.setdefault(unit.source, unit.stems)
        self._lower = frozenset(word.written for unit in self.units for word in unit.words if word.written.islower())
        self._similar = similar
        self._compared = 0

    def support(self, claim: str) -> Found:
        """Return the support for one claim."""
        words = words_of(claim)
        weights = self._weights(words)
        if not weights:
            return Found(1.0 if numbers_of(words) <= self._numbers else 0.0)
        ways = {stem: self._alike(stem) for stem in weights}
        candidates = self._candidates(weights, ways)
        found = [self._at(at, words, weights, ways) for at in candidates]
        best = max(found, key=lambda one: one.support, default=Found(0.0))
        if best.why:  # every place failed: the one that speaks of the same thing says why
            best = max(found, key=lambda one: one.shared)
        closest = max(found, key=lambda one: one.topic, default=best)
        if closest.why and closest.topic > _CLOSER * best.topic:
            best = closest  # the number is right in a sentence about something else
        if self._similar is None or best.why or not _OPEN[0] <= best.support < _OPEN[1]:
            return best
        return self._refined(claim, found, self._similar)

    def _weights(self, words: tuple[Word, ...]) -> dict[str, float]:
        total = len(self.units) + 1
        found: dict[str, float] = {}
        for word in words:
            name = word.written.casefold()
            if not word.is_number and (name in STOP_WORDS or name in _NOT or len(word.stem) < 2):
                continue
            weight = math.log(1 + total / (len(self._places.get(word.stem, ())) + 0.5))
            found[word.stem] = weight * (_ASKED if word.stem in self._asked else 1)
        return found

    def _alike(self, stem: str) -> frozenset[str]:
        """Return the evidence's words that are another form of this one: a long common beginning, a short rest."""
        if stem in self._places or stem[:1].isdigit() or len(stem) < 5:
            return frozenset((stem,))
        near = {
            one for one in self._near.get(stem[:4], ()) if _common(stem, one) >= max(4, 0.7 * max(len(stem), len(one)))
        }
        return frozenset(near or (stem,))

    def _candidates(self, weights: dict[str, float], ways: dict[str, frozenset[str]]) -> list[int]:
        scores: defaultdict[int, float] = defaultdict(float)
        for stem, weight in weights.items():
            for at in {at for way in ways[stem] for at in self._places.get(way, ())[:_MOST_PLACES]}:
                scores[at] += weight
        return heapq.nlargest(_CANDIDATES, scores, key=lambda at: (scores[at], -at))

    def _refined(self, claim: str, found: list[Found], similar: Similar) -> Found:
        """Add likeness of meaning where words leave it open. What failed a check stays as it is."""
        open_ = [one for one in found if one.unit is not None and not one.why][:_COMPARED]
        if self._compared >= _MOST_COMPARED:
            self.cut = True
            return max(found, key=lambda one: one.support)
        self._compared += len(open_) + 1
        alike = similar(claim, [one.unit.sentence.text for one in open_ if one.unit is not None])
        refined = [
            replace(one, support=max(one.support, (one.support + near) / 2))
            for one, near in zip(open_, alike, strict=True)
        ]
        return max(refined, key=lambda one: one.support)

    def _beside(self, at: int) -> frozenset[str]:
        own = self.units[at].source
        near = [self.units[one] for one in (at - 1, at + 1) if 0 <= one < len(self.units)]
        return _NOTHING.union(*(unit.stems for unit in near if unit.source == own))

    def _at(
        self,
        at: int,
        words: tuple[Word, ...],
        weights: dict[str, float],
        ways: dict[str, frozenset[str]],
    ) -> Found:
        unit, beside = self.units[at], self._beside(at)
        held = topic = 0.0
        for stem, weight in weights.items():
            if ways[stem] & unit.stems:
                held += weight
                topic += 0.0 if stem[:1].isdigit() else weight
            elif ways[stem] & beside:
                held += weight * _NEIGHBOURS
            elif any(way in self._places for way in ways[stem]):
                held += weight * _ELSEWHERE
        support = held / sum(weights.values())
        cap, why = self._checks(words, unit, beside, ways)
        return Found(min(support, cap), unit, why, support, topic)

    def _checks(
        self, words: tuple[Word, ...], unit: Unit, beside: frozenset[str], ways: dict[str, frozenset[str]]
    ) -> tuple[float, str]:
        claimed = numbers_of(words)
        for number in sorted(claimed):
            if number not in self._numbers:
                return _CAP_NUMBER, f"the number {number} is nowhere in the evidence"
            if number in unit.numbers or number in self._asked:
                continue
            if number not in beside or unit.numbers - claimed:  # the place has a number of its own
                return _CAP_NUMBER, f"the number {number} stands elsewhere in the evidence"
        # A sentence that says "it" leans on a name before it; one that begins with a name does not.
        leans = not self._names(unit.words[:3], first=True)
        near = beside | self._openings[unit.source] if leans else _NOTHING
        for name in self._names(words):
            forms = ways.get(name, frozenset((name,)))
            if name in self._asked or forms & unit.stems or forms & near:
                continue
            if not any(form in self._places for form in forms):
                return _CAP_NAME, f"the name {name} is nowhere in the evidence"
            return _CAP_NAME, f"the name {name} stands elsewhere in the evidence"
        if (negations(words) + negations(unit.words)) % 2:
            return _CAP_POLARITY, "one says not, the other does not"
        own = frozenset(word.stem for word in words)
        for pair in _OPPOSITE_STEMS:
            said, there = pair & own, pair & unit.stems
            if len(said) == 1 and len(there) == 1 and said != there:
                return _CAP_POLARITY, "the evidence says the opposite: " + " / ".join(sorted(pair))
        return 1.0, ""

    def _names(self, words: tuple[Word, ...], *, first: bool = False) -> list[str]:
        """Return the stems of what is written like a name: a capital letter, and never seen without one.

        A word that comes first has its capital letter anyway, and counts only with `first`.
        """
        return [
            word.stem
            for at, word in enumerate(words)
            if word.written[:1].isupper()
            and len(word.written) > 2
            and (at > 0 or first or word.written[1:].lower() != word.written[1:])
            and word.written.lower() not in self._lower
            and word.written.casefold() not in STOP_WORDS
        ]


def negations(words: tuple[Word, ...]) -> int:
    """Count the words that turn a sentence around."""
    return sum(word.written.casefold().replace("\u2019", "'") in _NOT for word in words)


def _common(one: str, other: str) -> int:
    """Count the letters that two words have in common at their beginning."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
