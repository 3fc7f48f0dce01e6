"""What the filter menus offer: the values that occur in a time range, most used first. From roll-ups."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.analytics.query import TimeRange
from apps.analytics.run import Reads
from apps.analytics.sql.facets import facets_statement

__all__ = ["Facets", "facets"]


@dataclass(frozen=True, slots=True)
class Facets:
    """Distinct values, most spans first; the empty one is left out."""

    models: tuple[str, ...]
    providers: tuple[str, ...]
    environments: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]


def facets(reads: Reads, project_id: int, time_range: TimeRange) -> Facets:
    """Read them all at once."""
    row = reads.rows(facets_statement(project_id, time_range))[0]
    return Facets(*(_ranked(names, counts) for names, counts in row))


def _ranked(names: Sequence[str], counts: Sequence[int]) -> tuple[str, ...]:
    ranked = sorted(zip(names, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for name, _ in ranked if name)
