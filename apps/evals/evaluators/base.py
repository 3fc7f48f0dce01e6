"""What an evaluator is: its settings, the subject that it judges, and the verdict that it gives. Pure.

An evaluator is a frozen dataclass whose fields are its settings. It reads no clock, no database and no network; the one
that asks a model is given the means to ask.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Protocol, Self, runtime_checkable

from apps.evals.evaluators.settings import EvaluatorError, Setting

__all__ = ["Answer", "Ask", "AskError", "Evaluator", "EvaluatorError", "Setting", "Subject", "Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is judged: a span, with the texts of the retrievals of its trace.

    `input` and `output` are as stored: canonical message JSON or plain text (see `reading`). Seconds and money are None
    when nobody knows them; that is not zero.
    """

    project_id: str
    trace_id: str
    span_id: str = ""
    session_id: str = ""
    kind: str = ""
    model: str = ""
    input: str = ""
    output: str = ""
    error: str = ""
    status: str = ""
    duration_seconds: float | None = None
    ttft_seconds: float | None = None
    cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    documents: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an evaluator says.

    A number or a yes or no in `value`, a word in `text`, or both. Neither: there is no verdict, and `reason` says why.
    `cost_usd` is what the judging itself cost.
    """

    value: float | bool | None = None
    text: str = ""
    comment: str = ""
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    cost_usd: Decimal | None = None

    @property
    def given(self) -> bool:
        """Whether there is a verdict at all."""
        return self.value is not None or bool(self.text)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to a judge's question, and what that cost (None: nobody knows)."""

    text: str
    cost_usd: Decimal | None = None


class AskError(Exception):
    """The question could not be asked or was not answered; the message says why. `again`: a second try may help."""

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.again = again


Ask = Callable[[str], Answer]  # prompt → answer; raises AskError; never waits for ever


@runtime_checkable
class Evaluator(Protocol):
    """One way to judge. `version` changes when the same subject could get another verdict."""

    name: ClassVar[str]
    version: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    data_type: ClassVar[str]  # of its scores: number, boolean or category
    asks: ClassVar[bool]  # whether judging asks a model, which costs money
    settings: ClassVar[tuple[Setting, ...]]

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """Read the settings from JSON. Raises EvaluatorError, which names the setting."""

    def judge(self, subject: Subject) -> Verdict:
        """Judge one subject; never raises for what is in it."""
