"""Page contexts are frozen dataclasses whose fields are documented; this is how one becomes what a template sees."""

from dataclasses import fields
from typing import Any

__all__ = ["context_of"]


def context_of(context: object) -> dict[str, Any]:
    """One template variable a field. Shallow: nested values stay what they are."""
    return {field.name: getattr(context, field.name) for field in fields(context)}  # type: ignore[arg-type]
