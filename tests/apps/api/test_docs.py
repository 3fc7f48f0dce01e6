"""docs/api.md names what there is."""

from pathlib import Path

from apps.analytics.query import Field
from apps.analytics.sql.dimensions import DIMENSIONS
from apps.analytics.sql.metrics import METRICS
from apps.api.errors import ERROR_CODES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_metric_dimension_filter_and_error_is_on_the_page() -> None:
    names = [*METRICS, *DIMENSIONS, *(field.value for field in Field)]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
    assert [code for code, status in ERROR_CODES.items() if f"| `{code}` | {status} |" not in PAGE] == []
