"""What a score may be: the same rules for every way in. Pure."""

import math
from dataclasses import replace
from enum import StrEnum

from ingestion.records import ScoreRecord

__all__ = [
    "LONGEST_NAME",
    "LONGEST_TEXT",
    "MOST_METADATA",
    "RESERVED_IDS",
    "DataType",
    "ScoreSource",
    "WrongScore",
    "check",
    "hex_id",
]

LONGEST_NAME = 200
LONGEST_TEXT = 32_768
MOST_METADATA = 64
RESERVED_IDS = frozenset({"names", "trend"})  # below /api/v1/scores/ these are no scores: nobody could fetch one
_LONGEST_META = 1024
RESPONSE_ID = "gen_ai.response.id"
ERROR_TYPE = "error.type"


class DataType(StrEnum):
    """What kind of judgement a score is."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TEXT = "text"


class ScoreSource(StrEnum):
    """Who judged."""

    API = "api"
    HUMAN = "human"
    EVALUATOR = "evaluator"


class WrongScore(ValueError):  # noqa: N818 - says what the score is
    """This is no score: `field` says which part, the message its value, `hint` what is taken."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.hint = hint


def check(score: ScoreRecord) -> ScoreRecord:
    """Return the score with its ids in their usual form. Raises WrongScore."""
    for name, most in (("id", LONGEST_NAME), ("name", LONGEST_NAME)):
        _length(name, getattr(score, name), most, least=1)
    if score.id in RESERVED_IDS:
        raise WrongScore("id", f"id={_shown(score.id)} is an address of the API", "another id, or none")
    for name in ("session_id", "author", "evaluator", "evaluator_version", "environment"):
        _length(name, getattr(score, name), LONGEST_NAME)
    for name in ("text_value", "comment"):
        _length(name, getattr(score, name), LONGEST_TEXT)
    if score.source not in set(ScoreSource):
        raise WrongScore("source", f"source={_shown(score.source)} is unknown", "one of " + ", ".join(ScoreSource))
    if score.data_type not in set(DataType):
        raise WrongScore(
            "data_type", f"data_type={_shown(score.data_type)} is unknown", "one of " + ", ".join(DataType)
        )
    _check_value(score)
    _check_metadata(score.metadata)
    trace_id = hex_id("trace_id", score.trace_id, 32) if score.trace_id else ""
    span_id = hex_id("span_id", score.span_id, 16) if score.span_id else ""
    if span_id and not trace_id:
        raise WrongScore("trace_id", f"trace_id is missing beside span_id={_shown(span_id)}", "the span's trace id")
    if not (trace_id or score.session_id or score.metadata.get(RESPONSE_ID)):
        raise WrongScore("trace_id", "the score has no target", "give trace_id, trace_id and span_id, or session_id")
    return replace(score, trace_id=trace_id, span_id=span_id)


def hex_id(field: str, text: str, digits: int) -> str:
    """Return a trace or span id as lower-case hex. Raises WrongScore."""
    plain = text.replace("-", "").lower()
    if len(plain) != digits or not plain.strip("0") or plain.strip("0123456789abcdef"):
        raise WrongScore(field, f"{field}={_shown(text)} is no id", f"{digits} hex digits that are not all zero")
    return plain


def _check_value(score: ScoreRecord) -> None:
    value, kind = score.value, score.data_type
    if score.metadata.get(ERROR_TYPE) and value is None and not score.text_value:
        return  # the evaluation failed: there is no verdict, and the reason says why
    if kind in {DataType.CATEGORY, DataType.TEXT}:
        if not score.text_value:
            raise WrongScore("value", f"the {kind} is empty", "text")
        if value is not None and not math.isfinite(value):
            raise WrongScore("value", f"value={value!r} is not finite", "a finite number")
        return
    if value is None:
        raise WrongScore("value", "value is missing", "a finite number, or true or false")
    if not math.isfinite(value):
        raise WrongScore("value", f"value={value!r} is not finite", "a finite number")
    if kind == DataType.BOOLEAN and value not in (0.0, 1.0):
        raise WrongScore("value", f"value={value!r} is no boolean", "true or false")


def _check_metadata(metadata: dict[str, str]) -> None:
    if len(metadata) > MOST_METADATA:
        raise WrongScore("metadata", f"metadata has {len(metadata)} keys", f"at most {MOST_METADATA}")
    for key, value in metadata.items():
        _length("metadata", key, LONGEST_NAME, least=1)
        _length("metadata", value, _LONGEST_META)


def _length(field: str, text: str, most: int, *, least: int = 0) -> None:
    if not least <= len(text) <= most:
        raise WrongScore(field, f"{field} has {len(text)} characters: {_shown(text)}", f"{least} to {most} characters")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
