"""Did it stay within a limit of cost, latency or time to first token? Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from apps.evals.evaluators.base import Setting, Subject, Verdict
from apps.evals.evaluators.settings import read_settings

__all__ = ["Limits"]

_UNITS = {"cost": "USD", "latency": "s", "ttft": "s", "input_tokens": "tokens", "output_tokens": "tokens"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Compares one measure with its limit. A measure that nobody knows gives no verdict: unknown is not a pass."""

    name: ClassVar[str] = "limits"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Within a limit"
    help: ClassVar[str] = "True when cost, latency, time to first token or tokens are at or below the limit."
    data_type: ClassVar[str] = "boolean"
    asks: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            name="measure",
            label="Measure",
            kind="choice",
            choices=tuple(_UNITS),
            default="cost",
            help="Cost in USD; latency and time to first token (ttft) in seconds.",
        ),
        Setting(name="limit", label="Limit", kind="number", required=True, least=0, most=1e12),
    )

    measure: str = "cost"
    limit: float

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """Read the settings."""
        return cls(**read_settings(cls.settings, value))

    def judge(self, subject: Subject) -> Verdict:
        """True at or below the limit."""
        measured = {
            "cost": subject.cost_usd,
            "latency": subject.duration_seconds,
            "ttft": subject.ttft_seconds,
            "input_tokens": subject.input_tokens,
            "output_tokens": subject.output_tokens,
        }[self.measure]
        if measured is None:
            return Verdict(reason=_UNKNOWN[self.measure])
        number = Decimal(str(measured))
        if not number.is_finite() or number < 0:
            return Verdict(reason=f"the {_NAMES[self.measure]} of this span is no measure: {measured}")
        unit = _UNITS[self.measure]
        return Verdict(
            value=number <= Decimal(str(self.limit)),
            comment=f"{number.normalize():f} {unit}, limit {self.limit:g} {unit}",
            metadata={"measured": f"{number.normalize():f}"},
        )


_NAMES = {
    "cost": "cost",
    "latency": "latency",
    "ttft": "time to first token",
    "input_tokens": "number of input tokens",
    "output_tokens": "number of output tokens",
}
_UNKNOWN = {
    "cost": "the cost of this span is unknown: its model has no price, or no usage was reported",
    "latency": "the latency of this span is unknown",
    "ttft": "the time to first token of this span is unknown: it was not streamed, or nobody measured it",
    "input_tokens": "the number of input tokens of this span is unknown",
    "output_tokens": "the number of output tokens of this span is unknown",
}
