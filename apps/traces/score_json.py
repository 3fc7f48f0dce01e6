"""A score as JSON → the record to hand in. Pure: who asks, the time and new ids are passed in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.analytics.parse import QueryError
from apps.analytics.scores import ScoreRow
from ingestion.records import ScoreRecord
from ingestion.scores import WrongScore, check
from ingestion.scores.rules import DataType, ScoreSource

__all__ = ["MOST_SCORES", "Giver", "data_type_of", "deletion_of", "placed", "row_of", "score_from", "scores_from"]

MOST_SCORES = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(2015, 1, 1, tzinfo=UTC)
_TEXTS = (
    "id",
    "name",
    "data_type",
    "text_value",
    "trace_id",
    "span_id",
    "session_id",
    "source",
    "author",
    "comment",
    "evaluator",
    "evaluator_version",
    "environment",
)
_KNOWN = {*_TEXTS, "value", "metadata", "timestamp"}


@dataclass(frozen=True, slots=True)
class Giver:
    """Who hands a score in. What is set here is not asked of the request."""

    project_id: int
    source: str = ""
    author: str = ""


def scores_from(body: Any, giver: Giver, *, now: datetime, new_id: Callable[[], str]) -> list[ScoreRecord]:
    """Read one score, or {"scores": [...]}. Raises QueryError that names the field."""
    if not isinstance(body, Mapping):
        raise QueryError("body", f"the body is {_kind(body)}", 'a score, or {"scores": [...]}')
    if "scores" not in body:
        return [score_from(body, giver, now=now, new_id=new_id)]
    found = body["scores"]
    if set(body) != {"scores"}:
        other = next(name for name in body if name != "scores")
        raise QueryError(_short(other), f"{_short(other)} stands beside scores", "a score, or scores alone")
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_SCORES:
        size = f"{len(found)} long" if isinstance(found, list) else _kind(found)
        raise QueryError("scores", f"scores is {size}", f"a list of 1 to {MOST_SCORES} scores")
    return [
        score_from(one, giver, now=now, new_id=new_id, place=f"scores[{number}].") for number, one in enumerate(found)
    ]


def score_from(body: Any, giver: Giver, *, now: datetime, new_id: Callable[[], str], place: str = "") -> ScoreRecord:
    """Read one score."""
    if not isinstance(body, Mapping):
        raise QueryError(place.rstrip(".") or "body", f"a score is {_kind(body)}", "an object")
    for name in body:
        if name not in _KNOWN:
            raise QueryError(place + _short(name), f"{_short(name)} is unknown", ", ".join(sorted(_KNOWN)))
    try:
        return check(_record(body, giver, now=now, new_id=new_id))
    except WrongScore as error:
        raise QueryError(place + error.field, error.message, error.hint) from error


def _record(body: Mapping[str, Any], giver: Giver, *, now: datetime, new_id: Callable[[], str]) -> ScoreRecord:
    texts = {name: _text(name, body.get(name)) for name in _TEXTS}
    value, text = body.get("value"), texts.pop("text_value")
    if text and value is not None:
        raise WrongScore("text_value", "value and text_value are both given", "one of them")
    if isinstance(value, str):
        value, text = None, _text("value", value)
    elif value is not None and not isinstance(value, bool | int | float):
        raise WrongScore("value", f"value is {_kind(value)}", "a number, true or false, or text")
    try:
        number = None if value is None else float(value)
    except OverflowError:
        raise WrongScore("value", f"value has {len(str(value))} digits", "a number that a double holds") from None
    kind = texts.pop("data_type") or data_type_of(body.get("value"))
    if text and kind in {DataType.NUMBER, DataType.BOOLEAN}:
        raise WrongScore("value", f"value={_short(text)!r} is text, and data_type is {kind}", "a number, or a boolean")
    if number is not None and kind in {DataType.CATEGORY, DataType.TEXT}:
        raise WrongScore("value", f"value={value!r} is a number, and data_type is {kind}", "text")
    at = nanoseconds(_moment(body.get("timestamp"), now))
    now_ns = nanoseconds(now)
    return ScoreRecord(
        project_id=giver.project_id,
        id=texts["id"] or new_id(),
        trace_id=texts["trace_id"],
        span_id=texts["span_id"],
        session_id=texts["session_id"],
        name=texts["name"],
        data_type=kind,
        value=number,
        text_value=text,
        source=giver.source or texts["source"] or ScoreSource.API,
        author=giver.author or texts["author"],
        comment=texts["comment"],
        evaluator=texts["evaluator"],
        evaluator_version=texts["evaluator_version"],
        environment=texts["environment"],
        metadata=_metadata(body.get("metadata")),
        timestamp_ns=at,
        received_ns=now_ns,
        updated_ns=now_ns,
    )


def data_type_of(value: Any) -> str:
    """What kind of score a value alone is."""
    if isinstance(value, bool):
        return DataType.BOOLEAN
    if isinstance(value, int | float):
        return DataType.NUMBER
    return DataType.CATEGORY if isinstance(value, str) else DataType.TEXT


def deletion_of(row: ScoreRow, project_id: int, *, now: datetime) -> ScoreRecord:
    """The version that takes a score back: it keeps what the score was about, and not what it said."""
    now_ns = nanoseconds(now)
    return ScoreRecord(
        project_id=project_id,
        id=row.id,
        trace_id=row.trace_id,
        span_id=row.span_id,
        session_id=row.session_id,
        name=row.name,
        data_type=row.data_type,
        value=row.value,
        text_value=row.text_value,
        source=row.source,
        metadata=dict(row.metadata),
        timestamp_ns=nanoseconds(row.timestamp),
        received_ns=now_ns,
        updated_ns=now_ns,
        deleted=True,
    )


def row_of(score: ScoreRecord) -> ScoreRow:
    """A score that was handed in just now, as a read will return it."""
    return ScoreRow(
        id=score.id,
        trace_id=score.trace_id,
        span_id=score.span_id,
        session_id=score.session_id,
        name=score.name,
        data_type=score.data_type,
        value=score.value,
        text_value=score.text_value,
        source=score.source,
        author=score.author,
        comment=score.comment,
        evaluator=score.evaluator,
        evaluator_version=score.evaluator_version,
        environment=score.environment,
        metadata=score.metadata,
        cost_usd=score.cost_usd,
        timestamp=_at(score.timestamp_ns // 10**6 * 10**6),
        received_at=_at(score.received_ns // 10**6 * 10**6),
        updated_at=_at(score.updated_ns),
    )


def placed(scores: Sequence[ScoreRecord], received_ns: int) -> list[ScoreRecord]:
    """Scores with the times that ingest will give them."""
    return [
        replace(score, received_ns=received_ns, updated_ns=received_ns + place * 1000)
        for place, score in enumerate(scores, 1)
    ]


def nanoseconds(moment: datetime) -> int:
    """Unix nanoseconds, exact to the microsecond."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _at(ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=ns // 1000)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WrongScore(name, f"{name} is {_kind(value)}", "text")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise WrongScore(name, f"{name} holds a NUL or half a surrogate pair", "text that UTF-8 can say")
    return value


def _metadata(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise WrongScore("metadata", f"metadata is {_kind(value)}", "an object of texts")
    return {_text("metadata", key): _text("metadata", text) for key, text in value.items()}


def _moment(value: Any, now: datetime) -> datetime:
    if value is None:
        return now
    hint = "ISO 8601 with a zone, or Unix seconds, from 2015 to a day from now"
    if isinstance(value, bool | list | dict):
        raise WrongScore("timestamp", f"timestamp is {_kind(value)}", hint)
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else _EPOCH + timedelta(seconds=value)
    except (ValueError, OverflowError):
        found = _EPOCH
    if found.tzinfo is None or not _FIRST <= found <= now + timedelta(days=1):
        raise WrongScore("timestamp", f"timestamp={_short(str(value))!r} is no time of a score", hint)
    return found.astimezone(UTC)


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def _short(text: str) -> str:
    safe = text.encode("utf-8", "replace").decode()
    return safe if len(safe) <= 60 else safe[:60] + "…"
