"""Every other path: recorded as it is. Billable only when the answer carries a usage object that OpenAI's readers
understand, because then somebody is paying for it.
"""

import re
from typing import Any

from ingestion.json_shape import as_dict, as_text, clip, loads
from ingestion.providers.base import Answer, Reading
from ingestion.providers.shapes.document import read_document
from ingestion.providers.shapes.errors import read_error
from ingestion.providers.shapes.openai_usage import read_openai_usage, reported_cost
from ingestion.providers.shapes.parameters import user_of
from ingestion.records import SpanKind
from ingestion.sse import decode
from ingestion.usage import Basis

__all__ = ["Unknown", "path_shape"]

_ID = re.compile(r"^(?=.*\d)[A-Za-z0-9_.:-]{12,}$|^\d+$|^(?:resp|file|batch|asst|thread|run|msg|ft|vs|job)[_-].+$")


class Unknown:
    """The reader of last resort."""

    name = "unknown"

    def recognises(self, method: str, path: str, provider: str) -> bool:
        """Everything."""
        return True

    def read(self, request: Any, answer: Answer, *, method: str, path: str) -> Reading:
        """Read what can be read without knowing the API."""
        asked = as_dict(request)
        said, usage_known = _last_object(answer)
        usage, notes = read_openai_usage(
            said.get("usage"), basis=Basis.PROVIDER if usage_known else Basis.PROVIDER_PARTIAL
        )
        billable = method == "POST" and usage.basis is not Basis.NONE
        error_type, error_message = read_error(said) if answer.status >= 400 else ("", "")
        return Reading(
            kind=SpanKind.LLM if billable else SpanKind.SPAN,
            operation=clip(f"{method} {path_shape(path)}", 160),
            billable=billable,
            not_billable_reason="" if billable else "unknown_path",
            model_requested=clip(as_text(asked.get("model"))),
            model=clip(as_text(said.get("model"))),
            response_id=clip(as_text(said.get("id"))),
            stream=answer.is_stream,
            error_type=error_type,
            error_message=error_message,
            usage=usage,
            usage_complete=usage_known,
            estimable=False,
            user=user_of(asked),
            reported_cost=reported_cost(said.get("usage")),
            notes=notes,
        )


def path_shape(path: str) -> str:
    """Return the path with its ids replaced, so that names group."""
    return "/".join("{id}" if _ID.match(segment) else segment for segment in path.split("/")[:12])


def _last_object(answer: Answer) -> tuple[dict[str, Any], bool]:
    """Return the answer, or of a stream the last event that has a usage (else the last one); and whether that usage is
    the last word.
    """
    if not answer.is_stream:
        if answer.body[:1] not in {b"{", b" ", b"\n", b"\r"}:
            return {}, True
        value, _, usage_known = read_document(answer)
        return (as_dict(value), True) if usage_known else ({}, False)
    last: dict[str, Any] = {}
    for event in decode(answer.body):
        value, _ = loads(event.data)
        if isinstance(value, dict) and (isinstance(value.get("usage"), dict) or "usage" not in last):
            last = value
    return last, not answer.cut
