"""A score as a value, and the rules for making one. Pure: the time, the id and the target are passed in.

Its JSON form is that of the API's lists: id, trace_id, span_id, session_id, name, value or text_value, data_type,
comment, source, timestamp.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

__all__ = ["DataType", "Score", "hex_id", "make_score"]

DataType = Literal["number", "boolean", "category", "text"]
_LONGEST_NAME = 200
_LONGEST_TEXT = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One judgement of a span (trace and span id), a trace (trace id) or a session (session id)."""

    id: str
    name: str
    data_type: DataType
    value: float | None = None
    text_value: str = ""
    trace_id: str = ""
    span_id: str = ""
    session_id: str = ""
    comment: str = ""
    source: str = "api"
    timestamp_ns: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)


def make_score(
    name: str,
    value: float | bool | str | Decimal,
    *,
    id: str,  # noqa: A002 - the field's name in the API
    timestamp_ns: int,
    trace_id: str = "",
    span_id: str = "",
    session_id: str = "",
    data_type: DataType | None = None,
    comment: str = "",
    source: str = "api",
    attributes: Mapping[str, Any] | None = None,
) -> Score:
    """Check and complete; raises ValueError that names what cannot be a score."""
    if not name or len(name) > _LONGEST_NAME:
        raise ValueError(f"the score's name is {name!r}: expected 1 to {_LONGEST_NAME} characters")
    if not trace_id and not session_id:
        raise ValueError(f"score {name!r} has no target: call it inside a span, or pass trace_id= or session_id=")
    kind = data_type or _kind_of(name, value)
    if kind not in get_args(DataType):
        raise ValueError(f"score {name!r} has data_type {kind!r}: expected {', '.join(get_args(DataType))}")
    number, text = _number_or_text(name, value, kind)
    return Score(
        id=id,
        name=name,
        data_type=kind,
        value=number,
        text_value=text,
        trace_id=hex_id(trace_id, 32) if trace_id else "",
        span_id=hex_id(span_id, 16) if span_id else "",
        session_id=session_id,
        comment=comment[:_LONGEST_TEXT],
        source=source,
        timestamp_ns=timestamp_ns,
        attributes=dict(attributes or {}),
    )


def hex_id(text: str, digits: int) -> str:
    """Return a trace or span id as lower-case hex; raises ValueError for anything else."""
    plain = text.replace("-", "").lower()
    if len(plain) != digits or not plain.strip("0") or plain.strip("0123456789abcdef"):
        raise ValueError(f"{text!r} is no id: expected {digits} hex digits that are not all zero")
    return plain


def _kind_of(name: str, value: Any) -> DataType:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, str):
        return "category"
    raise ValueError(f"score {name!r} is {type(value).__name__}: expected a number, a truth value or text")


def _number_or_text(name: str, value: Any, kind: str) -> tuple[float | None, str]:
    if kind in {"category", "text"}:
        return None, str(value)[:_LONGEST_TEXT]
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"score {name!r} is {value!r}: expected a finite number")
    if kind == "boolean" and number not in (0.0, 1.0):
        raise ValueError(f"score {name!r} is {value!r}: expected True or False")
    return number, ""
