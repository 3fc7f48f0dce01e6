"""What a back-fill will cost: from the lengths of a sample, times the price of the model. Pure but for the price, which
is passed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["SAMPLE", "Estimate", "estimate_of"]

SAMPLE = 20
_CHARACTERS_A_TOKEN = 4
_FRAME = 1500  # characters of a question beside rubric and texts
_ANSWER_TOKENS = 150
Price = Callable[[Decimal, Decimal], Decimal | None]  # tokens in, tokens out → USD, or nobody knows


@dataclass(frozen=True, slots=True)
class Estimate:
    """`cost_usd` is None when nobody knows; `said` is the estimate in words."""

    cost_usd: Decimal | None
    said: str


def estimate_of(
    *, subjects: int, share: float, lengths: Sequence[tuple[int, int]], rubric: int, model: str, price: Price | None
) -> Estimate:
    """Return what judging costs. `lengths`: characters of input and output of a sample. No price: nobody is asked."""
    judged = round(subjects * share)
    about = f"{judged:,} of {subjects:,} subjects" if share < 1 else f"{subjects:,} subjects"
    if price is None:
        return Estimate(Decimal(0), f"{about}; no model is asked, so it costs nothing")
    if not lengths:
        return Estimate(Decimal(0), f"{about}: nothing to ask about")
    mean = sum(given + answered for given, answered in lengths) / len(lengths)
    tokens_in = Decimal(round((mean + rubric + _FRAME) / _CHARACTERS_A_TOKEN))
    each = price(tokens_in, Decimal(_ANSWER_TOKENS))
    if each is None:
        return Estimate(None, f"{about}; the cost is unknown: no price list has {model}")
    total = (each * judged).quantize(Decimal("0.000001"))
    said = f"{about}, about {tokens_in:,} tokens for each question by a sample of {len(lengths)}"
    return Estimate(total, said)
