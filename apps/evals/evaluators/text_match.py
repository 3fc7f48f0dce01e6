"""Is it the expected text, does it hold a text, does it match an expression? Pure."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from apps.evals.evaluators.base import EvaluatorError, Setting, Subject, Verdict
from apps.evals.evaluators.linear_regex import LinearRegex, RegexError
from apps.evals.evaluators.reading import WHERE, text_at
from apps.evals.evaluators.settings import read_settings

__all__ = ["TextMatch"]

_MOST_SEARCHED = 1_000_000  # characters given to a regular expression


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMatch:
    """Compares a text with the expected one, searches for a text in it, or for a regular expression.

    Both sides are compared in Unicode's composed form (NFC), so that a letter written in two ways is one letter. A
    regular expression is searched in time linear in the text (`linear_regex`) and in its first million characters.
    """

    name: ClassVar[str] = "text_match"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Text match"
    help: ClassVar[str] = "True when the text is the expected one, holds it, or matches a regular expression."
    data_type: ClassVar[str] = "boolean"
    asks: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            name="mode",
            label="Compare",
            kind="choice",
            choices=("exact", "contains", "regex"),
            default="contains",
            help="Exact ignores white space at both ends.",
        ),
        Setting(name="expected", label="With", kind="long_text", required=True, most=10_000),
        Setting(
            name="where",
            label="Look at",
            kind="choice",
            choices=WHERE,
            default="output",
            help="The answer, the last question, or all that the model was given.",
        ),
        Setting(name="ignore_case", label="Ignore case", kind="boolean", default=False),
        Setting(
            name="absent",
            label="Must not match",
            kind="boolean",
            default=False,
            help="Turns the verdict around: true when it is not there.",
        ),
    )

    mode: str = "contains"
    expected: str
    where: str = "output"
    ignore_case: bool = False
    absent: bool = False
    _regex: LinearRegex | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """Read the settings; an expression that is wrong, or slow by its nature, is refused here."""
        read = read_settings(cls.settings, value)
        regex = None
        if read["mode"] == "regex":
            try:
                regex = LinearRegex(unicodedata.normalize("NFC", read["expected"]), ignore_case=read["ignore_case"])
            except RegexError as error:
                raise EvaluatorError("expected", f"expected: {error}") from error
        return cls(**read, _regex=regex)

    def judge(self, subject: Subject) -> Verdict:
        """True when it matches; an empty text is compared like any other."""
        text = unicodedata.normalize("NFC", text_at(subject, self.where))
        comment = ""
        if self._regex is not None:
            if len(text) > _MOST_SEARCHED:
                comment = f"only the first {_MOST_SEARCHED:,} of {len(text):,} characters were searched"
            try:
                found = self._regex.found_in(text[:_MOST_SEARCHED])
            except RegexError as error:
                return Verdict(reason=str(error))
        else:
            expected = unicodedata.normalize("NFC", self.expected)
            if self.ignore_case:
                text, expected = text.casefold(), expected.casefold()
            found = text.strip() == expected.strip() if self.mode == "exact" else expected in text
        return Verdict(value=found != self.absent, comment=comment)
