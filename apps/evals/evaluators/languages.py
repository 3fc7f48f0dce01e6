"""Which language a text is in: by its script, and within a script by its commonest words. Pure.

A dozen and more languages, among them Hindi in Devanagari and in Latin letters. Not a model: it counts short words that
every text of a language holds, and says nothing rather than guess.
"""

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

__all__ = ["LANGUAGES", "STOP_WORDS", "Guess", "language_of"]

_MOST_READ = 20_000  # characters; more would not change the answer
_LEAST_LETTERS = 20
_LEAST_LETTERS_DENSE = 6  # in scripts where a sign is a syllable or a word
_OWN_SHARE = 0.5  # of the letters that the leading script must have

LANGUAGES: dict[str, str] = {
    "en": "English", "hi": "Hindi", "hi-latn": "Hindi in Latin letters", "bn": "Bengali", "ta": "Tamil",
    "te": "Telugu", "mr": "Marathi", "gu": "Gujarati", "kn": "Kannada", "ml": "Malayalam", "pa": "Punjabi",
    "or": "Odia", "ur": "Urdu", "ar": "Arabic", "fa": "Persian", "es": "Spanish", "fr": "French", "de": "German",
    "pt": "Portuguese", "it": "Italian", "nl": "Dutch", "id": "Indonesian", "tr": "Turkish", "pl": "Polish",
    "ru": "Russian", "uk": "Ukrainian", "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "th": "Thai",
    "he": "Hebrew", "el": "Greek",
}  # fmt: skip

_SCRIPTS: dict[str, str] = {
    "latin": r"A-Za-z\u00C0-\u024F\u1E00-\u1EFF",
    "devanagari": r"\u0900-\u0963\u0966-\u097F",
    "bengali": r"\u0980-\u09FF",
    "gurmukhi": r"\u0A00-\u0A7F",
    "gujarati": r"\u0A80-\u0AFF",
    "odia": r"\u0B00-\u0B7F",
    "tamil": r"\u0B80-\u0BFF",
    "telugu": r"\u0C00-\u0C7F",
    "kannada": r"\u0C80-\u0CFF",
    "malayalam": r"\u0D00-\u0D7F",
    "arabic": r"\u0600-\u06FF\u0750-\u077F",
    "cyrillic": r"\u0400-\u04FF",
    "han": r"\u4E00-\u9FFF\u3400-\u4DBF",
    "kana": r"\u3040-\u30FF",
    "hangul": r"\uAC00-\uD7AF\u1100-\u11FF",
    "thai": r"\u0E00-\u0E7F",
    "hebrew": r"\u0590-\u05FF",
    "greek": r"\u0370-\u03FF",
}
_RUNS = {script: re.compile(f"[{signs}]+") for script, signs in _SCRIPTS.items()}
_ALONE = {
    "bengali": "bn", "gurmukhi": "pa", "gujarati": "gu", "odia": "or", "tamil": "ta", "telugu": "te",
    "kannada": "kn", "malayalam": "ml", "hangul": "ko", "thai": "th", "hebrew": "he", "greek": "el", "kana": "ja",
    "han": "zh",
}  # fmt: skip
_DENSE = {"han", "kana", "hangul", "thai"}

_COMMON: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "common_words.toml").read_text(encoding="utf-8")
)
_PROFILES = {
    script: {language: frozenset(normalize("NFC", words).split()) for language, words in profiles.items()}
    for script, profiles in _COMMON.items()
}
_MORE_ENGLISH = (
    "he she they them his her its their our my me him us we i has had were been being do does did so if then than "
    "there here who whom whose when where why how all any some such each both either into onto upon about out up down "
    "off would could should may might must shall just also very too only own same these those am but because while "
    "during"
)
STOP_WORDS: frozenset[str] = frozenset().union(
    _MORE_ENGLISH.split(), *(words for profiles in _PROFILES.values() for words in profiles.values())
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A language's code, or empty with the reason why nobody can say."""

    language: str
    reason: str = ""


def language_of(text: str) -> Guess:
    """Return the language of a text."""
    text = normalize("NFC", text[:_MOST_READ]).casefold()
    runs = {script: pattern.findall(text) for script, pattern in _RUNS.items()}
    letters = Counter({script: sum(map(len, found)) for script, found in runs.items()})
    if letters["kana"] and letters["kana"] >= letters["han"] / 10:  # Japanese writes in both
        letters["kana"] += letters.pop("han")
    script, most = letters.most_common(1)[0]
    if most < (_LEAST_LETTERS_DENSE if script in _DENSE else _LEAST_LETTERS):
        return Guess("", f"too short to tell its language: {sum(letters.values())} letters")
    if most < _OWN_SHARE * sum(letters.values()):
        return Guess("", "written in several scripts, none of which leads")
    if script in _ALONE:
        return Guess(_ALONE[script])
    return _by_words(script, runs[script])


def _by_words(script: str, words: list[str]) -> Guess:
    scores = Counter(
        {language: sum(word in common for word in words) for language, common in _PROFILES[script].items()}
    )
    (first, found), (second, next_found) = scores.most_common(2)
    if found < max(2, 0.05 * len(words)):
        return Guess("", "in no language whose common words are known here")
    if found == next_found:
        return Guess("", f"as much {LANGUAGES[first]} as {LANGUAGES[second]}")
    return Guess(first)
