"""Distinct values of the roll-up's dimensions."""

from apps.analytics.query import TimeRange
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement

__all__ = ["facets_statement"]

_COLUMNS = ("model", "provider", "environment", "kind", "source")


def facets_statement(project_id: int, time_range: TimeRange) -> Statement:
    """One row; for each of model, provider, environment, kind, source a pair of arrays: values and how many spans."""
    where = Where()
    where.project(project_id)
    where.add(f"bucket >= toStartOfHour({where.moment(time_range.start)})")
    where.add(f"bucket < {where.moment(time_range.end)}")
    columns = ", ".join(f"sumMap([toString({name})], [spans])" for name in _COLUMNS)
    return Statement(f"SELECT {columns} FROM usage_by_hour WHERE {where.sql}", where.values, "facets")
