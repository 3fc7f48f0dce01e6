"""An answer that is one JSON document, whole or as much of it as was kept."""

from typing import Any

from ingestion.gap import usage_at_end
from ingestion.json_shape import as_dict, loads, loads_cut
from ingestion.providers.base import Answer

__all__ = ["read_document"]


def read_document(answer: Answer) -> tuple[Any, str, bool]:
    """Return the value, what was wrong with it, and whether its usage is the provider's last word.

    Of an answer with a gap the value is that of its beginning, with the usage that stands at its end.
    """
    if not answer.cut:
        return *loads(answer.body), True
    value, note = loads_cut(answer.body)
    usage = usage_at_end(answer.fragment)
    return ({**as_dict(value), "usage": usage}, note, True) if usage else (value, note, False)
