"""Cutting text into sentences and words, with places. Pure; any script that puts a mark at the end of a sentence."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Sentence", "Word", "claims_of", "numbers_of", "sentences_of", "words_of"]

_LONGEST = 600  # characters; a longer piece without an end mark is cut at a space
# Letters with their marks: Python's \w leaves out the vowel signs of Indian scripts. The dandas end sentences.
_LETTER = r"(?:[^\W\d_]|[\u0900-\u0963\u0970-\u097F\u0981-\u0D7F\u0300-\u036F\u064B-\u065F])"
_WORD = re.compile(rf"{_LETTER}+(?:['\u2019-]{_LETTER}+)*|\d+(?:[.,:]\d+)*")
_END = re.compile(r"[.!?…]+[\"')\]\u2019\u201d]*(?=\s|$)|[।॥。！？؟]+[\"')\]\u2019\u201d]*|\n+")  # noqa: RUF001
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|no|vs|etc|e\.g|i\.e|inc|ltd|co|approx|fig|al|jr|sr|rs|डॉ|श्री)|\b[A-Za-z])\.$",
    re.IGNORECASE,
)
_MARKER = re.compile(r"\s*(?:[-*•–#>]+\s+|\(?\d{1,2}[.)]\s+|#+\s*)?")  # noqa: RUF001
_TALK = re.compile(
    r"(?:sure|certainly|of course|great question|i hope|let me know|feel free|happy to help|here (?:is|are)|hope this"
    r"|is there anything|thank you|you're welcome|hello|hi\b|please let|in summary:?$|according to the (?:provided )?"
    r"(?:context|documents?|text):?$|source[s]?:|ज़रूर|नमस्ते|धन्यवाद)",
    re.IGNORECASE,
)
# A week is seven days, so that "two weeks" and "14 days" are one number.
_SCALES = {
    "thousand": 10**3, "lakh": 10**5, "lakhs": 10**5, "million": 10**6, "crore": 10**7, "crores": 10**7,
    "billion": 10**9, "trillion": 10**12, "हज़ार": 10**3, "हजार": 10**3, "लाख": 10**5, "करोड़": 10**7,
    "dozen": 12, "week": 7, "weeks": 7, "हफ़्ते": 7, "सप्ताह": 7,
}  # fmt: skip
_NAMES = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
    "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "दो": 2, "तीन": 3, "चार": 4, "पाँच": 5, "पांच": 5, "छह": 6, "सात": 7, "आठ": 8,
    "दस": 10, "बीस": 20, "तीस": 30, "सौ": 100,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of a text, from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as written, its stem (in lower case, without usual endings), and whether it is a number."""

    written: str
    stem: str
    is_number: bool


def sentences_of(text: str) -> Iterator[Sentence]:
    """Yield the sentences and lines of a text in order; a part without an end is cut after some hundred characters."""
    start = 0
    for match in _END.finditer(text):
        if match.group()[0] == "." and _ABBREVIATION.search(text, max(start, match.start() - 8), match.start() + 1):
            continue
        yield from _cut(text, start, match.end())
        start = match.end()
    yield from _cut(text, start, len(text))


def claims_of(text: str) -> Iterator[Sentence]:
    """Yield what the text claims: not its questions, courtesies, headings or code."""
    fence = False
    for sentence in sentences_of(text):
        if sentence.text.startswith("```"):
            fence = not fence
            continue
        marker = _MARKER.match(sentence.text)
        skip = marker.end() if marker else 0
        body = sentence.text[skip:]
        if fence or body.rstrip("\"')*_ ").endswith(("?", "？", ":", "؟")) or _TALK.match(body):  # noqa: RUF001
            continue
        if len(words_of(body)) >= 2:
            yield Sentence(sentence.start + skip, sentence.end, body)


def words_of(text: str) -> tuple[Word, ...]:
    """Return the words and numbers of a text. Digits of any script are read as 0 to 9."""
    found: list[Word] = []
    for written in _WORD.findall(unicodedata.normalize("NFC", text)):
        if written[0].isdigit():
            found.append(Word(written, number_text(written), True))
        else:
            found.append(Word(written, _stem(written.casefold().replace("\u2019", "'")), False))
    return tuple(found)


def numbers_of(words: tuple[Word, ...]) -> frozenset[str]:
    """Return the numbers among the words, one text for one number: 1,200 and 1200; 2 million and 2000000; two and 2."""
    found: list[str] = []
    last: float | None = None
    for word in words:
        name = word.written.casefold()
        if word.is_number:
            found.append(word.stem)
            last = float(word.stem) if re.fullmatch(r"\d+(\.\d+)?", word.stem) and len(word.stem) < 16 else None
        elif last is not None and name in _SCALES:
            found[-1] = number_text(f"{last * _SCALES[name]:.6f}")
            last = None
        elif name in _NAMES:
            found.append(str(_NAMES[name]))
            last = float(_NAMES[name])
        else:
            last = None
    return frozenset(found)


def number_text(written: str) -> str:
    """Return a number in one spelling: without separators of thousands and needless zeros."""
    plain = "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in written)
    if ":" in plain:
        return plain
    if re.fullmatch(r"\d{1,3}(,\d{2,3})+(\.\d+)?", plain):  # 1,200 and the Indian 1,00,000
        plain = plain.replace(",", "")
    plain = plain.replace(",", ".")
    whole, _, rest = plain.partition(".")
    rest = rest.rstrip("0") if "." not in rest else rest
    return (whole.lstrip("0") or "0") + (f".{rest}" if rest else "")


def _cut(text: str, start: int, end: int) -> Iterator[Sentence]:
    while start < end and text[start].isspace():
        start += 1
    while end - start > _LONGEST:
        space = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
        cut = space if space > 0 else start + _LONGEST
        yield Sentence(start, cut, text[start:cut])
        start = cut
        while start < end and text[start].isspace():
            start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        yield Sentence(start, end, text[start:end])


_ENDINGS = (
    "ization", "isation", "ations", "ation", "ments", "ment", "ingly", "edly", "ness", "ings", "ing", "ies", "ied",
    "ions", "ion", "ers", "er", "est", "ed", "es", "ly", "'s", "s", "e", "y",
)  # fmt: skip
_SIGNS = re.compile(r"[\u093E-\u094D\u0902\u0903\u0900\u0901]+$")


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    """Cut usual English endings, and the vowel signs at the end of a word in Devanagari, where inflection sits."""
    if "\u0900" <= word[0] <= "\u097f":
        cut = _SIGNS.sub("", word)
        return cut if len(cut) >= 2 else word
    if not word.isascii():
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
