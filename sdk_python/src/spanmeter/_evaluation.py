"""`score()`: a judgement of a span, a trace or a session, sent like a span: in the background, once."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from opentelemetry.trace import get_current_span

from spanmeter import _attributes as names
from spanmeter._context import stamps
from spanmeter._guard import guarded
from spanmeter._runtime import current
from spanmeter._score import DataType, Score, make_score

__all__ = ["score"]


@guarded("score", None)
def score(
    name: str,
    value: float | bool | str | Decimal,
    *,
    trace_id: str | None = None,
    span_id: str | None = None,
    session_id: str | None = None,
    comment: str = "",
    data_type: DataType | None = None,
    source: str = "api",
    id: str | None = None,  # noqa: A002 - the field's name in the API
    timestamp: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> str | None:
    """Give a score and return its id. Without a target it is for the current span; `trace_id` alone is the whole trace.

    Numbers, truth values and text (a category, or `data_type="text"`) are scores. The same `id` again replaces it.
    """
    runtime = current.runtime
    if runtime is None:
        return None
    if trace_id is None and session_id is None:
        here = get_current_span().get_span_context()
        if here.is_valid:
            trace_id, span_id = format(here.trace_id, "032x"), format(here.span_id, "016x")
    made = make_score(
        name,
        value,
        id=id or str(uuid.uuid4()),
        timestamp_ns=int(timestamp.timestamp() * 1e9) if timestamp else runtime.clock(),
        trace_id=trace_id or "",
        span_id=span_id or "",
        session_id=session_id or "",
        data_type=data_type,
        comment=comment,
        source=source,
        attributes={**stamps(), **{f"{names.SCORE_PREFIX}metadata.{k}": str(v) for k, v in (metadata or {}).items()}},
    )
    runtime.sink.take_score(made)
    return made.id


def score_attributes(score: Score) -> dict[str, Any]:
    """Return the attributes of the event that carries a score: the convention's, and ours for what it lacks."""
    found: dict[str, Any] = dict(score.attributes)
    found[names.EVALUATION_NAME] = score.name
    if score.value is not None:
        found[names.EVALUATION_VALUE] = score.value
    elif score.data_type == "category":
        found[names.EVALUATION_LABEL] = score.text_value
    else:
        found[names.SCORE_PREFIX + "text_value"] = score.text_value
    if score.comment:
        found[names.EVALUATION_EXPLANATION] = score.comment
    if score.session_id:
        found[names.SESSION_ID] = score.session_id
    found[names.SCORE_PREFIX + "id"] = score.id
    found[names.SCORE_PREFIX + "data_type"] = score.data_type
    found[names.SCORE_PREFIX + "source"] = score.source
    return found
