"""Masks over text before anything is stored: e-mail addresses, phone and card numbers, keys, patterns of one's own.

Provider keys are always masked; the rest is off until named in SPANMETER_REDACT. Every pattern runs in time linear in
the text: the built-in ones by possessive repeats, custom ones because the ways in which they can match are counted
first and bounded. A stream's raw bytes cannot be masked (a secret may lie across two chunks): `exchange` leaves them
out instead.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from re import _constants as ops  # type: ignore[attr-defined, unused-ignore]
from re import _parser as parser  # type: ignore[attr-defined, unused-ignore]
from typing import Any

__all__ = ["PATTERNS", "RedactionError", "Redactor"]

MAX_WAYS = 10_000
MAX_REPEAT = 1000
MAX_DEPTH = 200
CUSTOM = "regex:"


class RedactionError(ValueError):
    """SPANMETER_REDACT names something that cannot be used; the message says what can."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of thing to mask. Text without any of the `hints` is not searched at all."""

    name: str
    regex: re.Pattern[str]
    hints: tuple[str, ...] = ()
    accept: Callable[[str], bool] | None = None


def _luhn(found: str) -> bool:
    digits = [int(char) for char in found if char.isdigit()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [digit if index % 2 == 0 else sum(divmod(digit * 2, 10)) for index, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _phone(found: str) -> bool:
    return 8 <= sum(char.isdigit() for char in found) <= 15


_SECRET = Pattern(
    "secret",
    re.compile(
        r"(?<![A-Za-z0-9])(?:(?:sm-)?sk-[A-Za-z0-9_-]{20,}+|xai-[A-Za-z0-9]{20,}+|gsk_[A-Za-z0-9]{20,}+|hf_[A-Za-z0-9]{20,}+"
        r"|AIza[A-Za-z0-9_-]{30,}+|AKIA[A-Z0-9]{16}(?![A-Z0-9])|gh[pousr]_[A-Za-z0-9]{30,}+|github_pat_[A-Za-z0-9_]{30,}+"
        r"|xox[abprs]-[A-Za-z0-9-]{20,}+|glpat-[A-Za-z0-9_-]{20,}+)"
        r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*+(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?"
    ),
    (
        "sk-",
        "xai-",
        "gsk_",
        "hf_",
        "AIza",
        "AKIA",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "xox",
        "glpat-",
        "PRIVATE KEY",
    ),
)

PATTERNS: dict[str, Pattern] = {
    "secret": _SECRET,
    "email": Pattern(
        "email",
        # The look-behind lets a match begin only where a run of such characters begins, so a run is walked once. A
        # backslash escape of JSON text (the n of \n) is no part of an address.
        re.compile(r"(?:(?<=\\[nrtbf])|(?<![\w.%+\\-]))[\w.%+-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++"),
        ("@",),
    ),
    "phone": Pattern(
        "phone", re.compile(r"(?<![\w.:+-])(?:\+|\(|\d)(?:[ ().-]?\d|[ ().-]{2}\d){7,16}(?![\w-])"), (), _phone
    ),
    "card": Pattern("card", re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])"), (), _luhn),
    "ip": Pattern(
        "ip", re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])")
    ),
}


class Redactor:
    """The masks of this installation, applied to text and to JSON values."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        chosen = {"secret": _SECRET}
        for name in names:
            if name.startswith(CUSTOM):
                chosen[name] = Pattern("custom", _custom(name[len(CUSTOM) :]))
            elif name in PATTERNS:
                chosen[name] = PATTERNS[name]
            elif name != "none":
                raise RedactionError(
                    f"SPANMETER_REDACT: {name!r} is no pattern; "
                    f"known are {', '.join(PATTERNS)} and {CUSTOM}<expression>"
                )
        self.patterns = tuple(chosen.values())
        # One search for every hint at once; an ASCII letter may also hide in a JSON escape.
        hints = [hint for pattern in self.patterns for hint in pattern.hints]
        self._hints = re.compile("|".join(map(re.escape, [*hints, "\\u00"])))
        self._always = any(not pattern.hints for pattern in self.patterns)

    def touches(self, raw: str) -> bool:
        """Tell cheaply whether anything in this raw text could be masked; False is certain."""
        return self._always or self._hints.search(raw) is not None

    def text(self, text: str) -> str:
        """Return the text with `[redacted:<pattern>]` in place of every match; the same object when there is none."""
        for pattern in self.patterns:
            if pattern.hints and not any(hint in text for hint in pattern.hints):
                continue
            text = _masked(pattern, text)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """Return a JSON value with every text in it masked; the same object when nothing had to be."""
        if isinstance(value, str):
            return self.text(value)
        if depth > MAX_DEPTH:
            return value
        if isinstance(value, dict):
            changed = {key: new for key, old in value.items() if (new := self.value(old, depth + 1)) is not old}
            return {**value, **changed} if changed else value
        if isinstance(value, list):
            items = [self.value(old, depth + 1) for old in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value


def _masked(pattern: Pattern, text: str) -> str:
    accept = pattern.accept
    mask = f"[redacted:{pattern.name}]"
    changed = False

    def replace(match: re.Match[str]) -> str:
        nonlocal changed
        if accept is not None and not accept(match.group()):
            return match.group()
        changed = True
        return mask

    masked = pattern.regex.sub(replace, text)
    return masked if changed else text


def _custom(expression: str) -> re.Pattern[str]:
    try:
        ways = _ways(parser.parse(expression))
        compiled = re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise RedactionError(f"SPANMETER_REDACT: {expression!r} is no regular expression: {error}") from error
    except _Unbounded as error:
        raise RedactionError(f"SPANMETER_REDACT: {expression!r}: {error}") from None
    if ways > MAX_WAYS:
        raise RedactionError(
            f"SPANMETER_REDACT: {expression!r} can match in more than {MAX_WAYS} ways at one place, which makes it "
            "slow; use fewer or shorter repeats"
        )
    if compiled.match("") is not None:
        raise RedactionError(f"SPANMETER_REDACT: {expression!r} matches the empty text; it would mask everything")
    return compiled


class _Unbounded(Exception):  # noqa: N818 - turned into a RedactionError at once
    pass


def _ways(tree: Any) -> int:
    """Return an upper bound of the ways in which an expression can match at one place."""
    ways = 1
    for op, argument in tree:
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            least, most, inner = argument
            if most > MAX_REPEAT:
                raise _Unbounded(f"repeats need a bound of at most {MAX_REPEAT}: write {{1,64}} instead of + or *")
            inside = _ways(inner)
            ways *= (most - least + 1) if inside == 1 else min(inside**most, MAX_WAYS + 1) * (most - least + 1)
        elif op is ops.BRANCH:
            ways *= sum(_ways(branch) for branch in argument[1])
        elif op is ops.SUBPATTERN:
            ways *= _ways(argument[3])
        elif op in (ops.ASSERT, ops.ASSERT_NOT):
            ways *= _ways(argument[1])
        elif op is ops.ATOMIC_GROUP:
            ways *= _ways(argument)
        elif op in (ops.GROUPREF, ops.GROUPREF_EXISTS):
            raise _Unbounded("references to groups are not supported")
        if ways > MAX_WAYS:
            return MAX_WAYS + 1
    return ways
