"""Names of scores → the list. Pure."""

from collections.abc import Sequence
from datetime import datetime

from django.http import QueryDict

from apps.analytics.scores import ScoreName
from apps.evals.score_pages.contexts import NameLine, NamesContext
from apps.evals.score_pages.words import range_words, spark_path, verdict_words
from apps.ui.links import changed
from apps.ui.range_picker import RangePicker

__all__ = ["names_page"]

_SDK = """\
import spanmeter

spanmeter.configure()


@spanmeter.observe
def answer(question: str) -> str:
    spanmeter.score("helpful", True, comment="short and right")
    return "Forty-two."


answer("What is it?")
spanmeter.flush()
"""
_HTTP = """\
curl {origin}/api/v1/scores \\
  -H "Authorization: Bearer sm-sk-…" -H "Content-Type: application/json" \\
  -d '{{"name": "quality", "value": 0.75, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}}'
"""


def names_page(
    names: Sequence[ScoreName],
    *,
    parameters: QueryDict,
    picker: RangePicker,
    now: datetime,
    origin: str,
    score_path: str,
    traces_path: str,
    problem: tuple[str, str] = ("", ""),
) -> NamesContext:
    """Return the page. `origin` is where the web process is reached."""
    return NamesContext(
        picker=picker,
        now=now,
        lines=tuple(_line(row, parameters, score_path) for row in names),
        sdk_code=_SDK,
        http_code=_HTTP.format(origin=origin.rstrip("/")),
        traces_href=traces_path,
        problem_message=problem[0],
        problem_hint=problem[1],
    )


def _line(row: ScoreName, parameters: QueryDict, path: str) -> NameLine:
    drawn = row.means if any(mean is not None for mean in row.means) else tuple(float(count) for count in row.counts)
    return NameLine(
        row=row,
        href=changed(parameters, {"name": row.name}, path=path),
        mean=verdict_words(row.mean, row.data_type),
        span=range_words(row.least, row.most, row.data_type),
        spark=spark_path(drawn),
        no_verdict=row.no_verdict / row.count if row.count else None,
    )
