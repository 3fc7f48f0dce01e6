"""Scores of a trace → the card that shows them, and the form's words → a score. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from apps.analytics.parse import QueryError
from apps.analytics.rows import SpanRow
from apps.analytics.scores import ScoreRow
from apps.traces.score_json import Giver, score_from
from apps.ui.links import changed
from ingestion.records import ScoreRecord
from ingestion.scores.rules import DataType

__all__ = [
    "THUMBS",
    "ScoreLine",
    "ScoresCard",
    "ScoresContext",
    "SpanChoice",
    "score_from_form",
    "scores_card",
    "with_given",
]

THUMBS = "thumbs"
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_MOST_SPANS = 200
_SOURCES = {"api": "API", "human": "person", "evaluator": "evaluator"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLine:
    """One score. `tone` is ok or error for a boolean."""

    name: str
    shown: str
    tone: str
    target: str
    href: str
    by: str
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SpanChoice:
    """A span that may be judged."""

    span_id: str
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresCard:
    """`action` is empty for who may not write. `thumb` is what this person has said: up, down or nothing."""

    lines: tuple[ScoreLine, ...]
    spans: tuple[SpanChoice, ...]
    action: str
    thumb: str
    new_id: str
    problem: str
    entered: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresContext:
    """The card alone, when a score was given on a page that stands already."""

    scores: ScoresCard


def scores_card(
    rows: Sequence[ScoreRow],
    spans: Sequence[SpanRow],
    *,
    selected: str,
    action: str,
    author: str,
    new_id: str,
    problem: str = "",
    entered: Mapping[str, str] | None = None,
) -> ScoresCard:
    """Return the card."""
    names = {span.span_id: span.name or "unnamed" for span in spans}
    own = [row for row in rows if row.name == THUMBS and row.source == "human" and row.author == author]
    thumbs = [row for row in own if not row.span_id and row.trace_id]
    return ScoresCard(
        lines=tuple(_line(row, names) for row in rows),
        spans=tuple(
            SpanChoice(span_id, name, span_id == selected) for span_id, name in list(names.items())[:_MOST_SPANS]
        ),
        action=action,
        thumb=("up" if thumbs[-1].value else "down") if thumbs and author else "",
        new_id=new_id,
        problem=problem,
        entered=entered or {},
    )


def with_given(rows: Sequence[ScoreRow], given: ScoreRow) -> tuple[ScoreRow, ...]:
    """The rows as they will be once ingest has written what was just handed in."""
    return (*(row for row in rows if row.id != given.id), given)


def score_from_form(form: QueryDict, giver: Giver, *, trace_id: str, person: int, now: datetime) -> ScoreRecord:
    """Read what a person said. Raises QueryError.

    A thumb has one id for each person and target, so that the second one corrects the first.
    """
    span_id = form.get("span_id", "")
    body: dict[str, object] = {"trace_id": trace_id, "comment": form.get("comment", "").strip()}
    if span_id:
        body["span_id"] = span_id
    thumb = form.get("thumb", "")
    if thumb:
        if thumb not in {"up", "down"}:
            raise QueryError("thumb", f"thumb={thumb[:60]!r} is unknown", "up or down")
        given: dict[str, object] = {
            "name": THUMBS,
            "value": thumb == "up",
            "id": f"{THUMBS}-{person}-{trace_id}{span_id}",
        }
        return score_from(body | given, giver, now=now, new_id=str)
    text = form.get("value", "").strip()
    body |= {"name": form.get("name", "").strip(), "value": _value(text), "id": form.get("id", "")}
    if not body["name"]:
        raise QueryError("name", "The name is missing.", "a word for what is judged")
    if not text:
        raise QueryError("value", "The value is missing.", "a number, yes or no, or a word")
    return score_from(body, giver, now=now, new_id=str)


def _value(text: str) -> bool | float | str:
    if text.lower() in _TRUTHS:
        return _TRUTHS[text.lower()]
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _line(row: ScoreRow, names: Mapping[str, str]) -> ScoreLine:
    shown, tone = _shown(row)
    whole = "trace" if row.trace_id else "session"
    return ScoreLine(
        name=row.name,
        shown=shown,
        tone=tone,
        target=names.get(row.span_id, row.span_id) or whole,
        href=changed(QueryDict(), {"span": row.span_id}) if row.span_id in names else "",
        by=row.author
        or " ".join(part for part in (row.evaluator, row.evaluator_version) if part)
        or _SOURCES.get(row.source, row.source),
        comment=row.comment,
        at=row.timestamp,
    )


def _shown(row: ScoreRow) -> tuple[str, str]:
    if row.value is None and not row.text_value:
        return f"no verdict: {row.metadata.get('error.type', 'no reason given')}", "warn"
    if row.data_type == DataType.BOOLEAN:
        return ("yes", "ok") if row.value else ("no", "error")
    if row.value is None:
        return row.text_value, ""
    number = f"{row.value:.6g}"
    return (f"{number} · {row.text_value}" if row.text_value else number), ""
