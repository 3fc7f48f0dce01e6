"""Is the answer as long as it should be? Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from apps.evals.evaluators.base import EvaluatorError, Setting, Subject, Verdict
from apps.evals.evaluators.reading import answer_of
from apps.evals.evaluators.settings import read_settings
from ingestion.tokens import count

__all__ = ["Length"]

_MOST_COUNTED = 400_000  # characters handed to the tokenizer: about a second of work


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Counts the answer's characters, words or tokens, and says whether the count lies between the bounds."""

    name: ClassVar[str] = "length"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Length"
    help: ClassVar[str] = "True when the answer has at least and at most so many characters, words or tokens."
    data_type: ClassVar[str] = "boolean"
    asks: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            name="unit",
            label="Counted",
            kind="choice",
            choices=("characters", "words", "tokens"),
            default="characters",
            help="Words are what white space separates. Tokens are those of o200k_base, whatever the model.",
        ),
        Setting(name="least", label="At least", kind="integer", least=0, most=10_000_000),
        Setting(name="most", label="At most", kind="integer", least=0, most=10_000_000),
    )

    unit: str = "characters"
    least: int | None = None
    most: int | None = None

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """Read the settings; one bound at least, and not crossed."""
        made = cls(**read_settings(cls.settings, value))
        if made.least is None and made.most is None:
            raise EvaluatorError("most", "neither least nor most is given; give one of them, or both")
        if made.least is not None and made.most is not None and made.least > made.most:
            raise EvaluatorError("most", f"most={made.most} is below least={made.least}; give a larger number")
        return made

    def judge(self, subject: Subject) -> Verdict:
        """True within the bounds. An empty answer has the length 0."""
        answer = answer_of(subject.output)
        length = self._count(answer)
        if length is None:
            return Verdict(reason=f"too long to count tokens: {len(answer):,} characters, at most {_MOST_COUNTED:,}")
        fits = (self.least is None or length >= self.least) and (self.most is None or length <= self.most)
        return Verdict(value=fits, comment=f"{length:,} {self.unit}", metadata={"length": str(length)})

    def _count(self, answer: str) -> int | None:
        if self.unit == "characters":
            return len(answer)
        if self.unit == "words":
            return len(answer.split())
        return count(answer) if len(answer) <= _MOST_COUNTED else None
