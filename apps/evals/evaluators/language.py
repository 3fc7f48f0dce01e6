"""Is the answer in the language that was asked for? Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from apps.evals.evaluators.base import Setting, Subject, Verdict
from apps.evals.evaluators.languages import LANGUAGES, language_of
from apps.evals.evaluators.reading import answer_of, question_of
from apps.evals.evaluators.settings import read_settings

__all__ = ["Language"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Guesses the answer's language and compares it with the expected ones, or with the question's."""

    name: ClassVar[str] = "language"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Language"
    help: ClassVar[str] = "True when the answer is in an expected language, or in that of the question."
    data_type: ClassVar[str] = "boolean"
    asks: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            name="expected",
            label="Expected languages",
            kind="list",
            choices=tuple(LANGUAGES),
            help="Any of these will do. Empty: the language of the last question.",
        ),
    )

    expected: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """Read the settings."""
        return cls(**read_settings(cls.settings, value))

    def judge(self, subject: Subject) -> Verdict:
        """True when it is; no verdict where the language of either text cannot be told."""
        answer = language_of(answer_of(subject.output))
        if not answer.language:
            return Verdict(reason=f"the answer is {answer.reason}")
        expected = self.expected
        if not expected:
            question = language_of(question_of(subject.input))
            if not question.language:
                return Verdict(reason=f"the question is {question.reason}")
            expected = (question.language,)
        wanted = " or ".join(LANGUAGES[one] for one in expected)
        return Verdict(
            value=answer.language in expected,
            comment=f"{LANGUAGES[answer.language]}, expected {wanted}",
            metadata={"language": answer.language},
        )
