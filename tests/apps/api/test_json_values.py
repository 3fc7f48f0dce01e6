"""What the API says is what its schema describes: both ways from a dataclass to JSON give the same."""

import json
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any

import pytest
from rest_framework.renderers import JSONRenderer

from apps.analytics.facets import Facets
from apps.analytics.gpu import GpuRow, ServingRow
from apps.analytics.gpu_cost import HostCost
from apps.analytics.ledger import DropRow, Ledger
from apps.analytics.people import PeopleRow
from apps.analytics.result import Overview
from apps.analytics.rows import SpanRow, SpanText, TraceRow
from apps.analytics.score_trends import ScoreTrend
from apps.analytics.scores import ScoreName, ScoreRow
from apps.api.json_values import as_json
from apps.api.shapes import shape_of

SHAPES = (
    DropRow, Facets, GpuRow, HostCost, Ledger, Overview, PeopleRow, ScoreName, ScoreRow, ScoreTrend, ServingRow,
    SpanRow, SpanText, TraceRow,
)  # fmt: skip
LEAVES: dict[Any, Any] = {
    str: "naïve \u2028 text",
    bool: True,
    int: 2**53 + 1,
    float: 0.1,
    Decimal: Decimal("1.230000000000"),
    date: date(2026, 2, 28),
    datetime: datetime(2026, 5, 20, 14, 0, 0, 1500, timezone(timedelta(hours=5, minutes=30))),
}


def example(hint: Any, *, full: bool) -> Any:
    """A value of this type: with `full` no part is missing, else every part that may be missing is."""
    if isinstance(hint, UnionType):
        (known,) = (part for part in typing.get_args(hint) if part is not NoneType)
        return example(known, full=True) if full else None
    if is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return hint(**{one.name: example(hints[one.name], full=full) for one in fields(hint)})  # type: ignore[operator]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return (example(arguments[0], full=full),) * 2 if full else ()
    if origin is Mapping:
        return {"input": example(arguments[1], full=full)} if full else {}
    return LEAVES[hint]


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("value_type", SHAPES, ids=lambda value_type: value_type.__name__)
def test_the_answer_is_what_the_schema_describes(value_type: type, full: bool) -> None:
    value = example(value_type, full=full)
    described = shape_of(value_type)(value).data
    assert JSONRenderer().render(as_json(value)) == JSONRenderer().render(described)


def test_times_are_utc_and_money_is_exact_text() -> None:
    said = as_json(example(SpanRow, full=True))
    assert (said["start"], said["cost"], said["usage"]) == ("2026-05-20T08:30:00.001500Z", "1.23", {"input": "1.23"})
    assert as_json(example(TraceRow, full=True))["cost_usd"] == "1.23"
    assert as_json(example(TraceRow, full=False))["cost_usd"] is None
    whole = as_json(example(PeopleRow, full=True))
    assert json.loads(json.dumps(whole)) == whole
    assert datetime.fromisoformat(whole["last"]).astimezone(UTC) == LEAVES[datetime]
