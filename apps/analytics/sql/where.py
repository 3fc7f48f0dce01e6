"""Filters and time → clauses with bound values. No value is ever formatted into the text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.analytics.query import Field, Filter, TextMode, TimeRange
from apps.analytics.statement import Bound, micros

__all__ = ["Where", "text_is_words"]

_COLUMNS = {
    Field.MODEL: "model",
    Field.PROVIDER: "provider",
    Field.STATUS: "status",
    Field.KIND: "kind",
    Field.SOURCE: "source",
    Field.ENVIRONMENT: "environment",
    Field.USER: "user_id",
    Field.SESSION: "session_id",
    Field.NAME: "name",
    Field.TRACE_NAME: "trace_name",
    Field.TRACE: "trace_id",
    Field.SERVICE: "service",
    Field.RELEASE: "release",
    Field.PROMPT: "prompt_name",
    Field.TOOL: "tool_name",
    Field.AGENT: "agent_name",
    Field.COST_STATUS: "cost_status",
}
_ASCII_SEPARATORS = re.compile(r"[^0-9A-Za-z\x80-\U0010ffff]+")
_ASCII_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


@dataclass(slots=True)
class Where:
    """Collects clauses and their values; each value gets a name of its own."""

    clauses: list[str] = field(default_factory=list)
    values: dict[str, Bound] = field(default_factory=dict)

    def bind(self, value: Bound) -> str:
        """Keep a value and return its place in the text."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    def add(self, clause: str) -> None:
        """Require this too."""
        self.clauses.append(clause)

    def project(self, project_id: int) -> None:
        """Rows of one project: the first clause of every read."""
        self.add(f"project_id = {self.bind(project_id)}")

    def starts_within(self, time_range: TimeRange) -> None:
        """Spans that start in the range."""
        start, end = self._minutes(time_range.start, time_range.end)
        self.add(f"start_time >= {start}")
        self.add(f"start_time < {end}")

    def starts_from_to(self, first: datetime, last: datetime) -> None:
        """Spans that start from `first` to `last`, both included."""
        start, end = self._minutes(first, last)
        self.add(f"start_time >= {start}")
        self.add(f"start_time <= {end}")

    def in_minutes(self, minutes: Sequence[int]) -> None:
        """Spans of these minutes (Unix seconds), which may lie far apart: the sort key leads to each."""
        places = ", ".join(f"toDateTime({self.bind(minute)}, 'UTC')" for minute in minutes)
        self.add(f"toStartOfMinute(start_time) IN ({places})")

    def _minutes(self, first: datetime, last: datetime) -> tuple[str, str]:
        """Say it once more by the minute, which is what the sort key holds."""
        start, end = self.moment(first), self.moment(last)
        self.add(f"toStartOfMinute(start_time) >= toStartOfMinute({start})")
        self.add(f"toStartOfMinute(start_time) <= toStartOfMinute({end})")
        return start, end

    def moment(self, value: datetime) -> str:
        """A point in time as an expression, exact to the microsecond."""
        return f"fromUnixTimestamp64Micro({self.bind(micros(value))}, 'UTC')"

    def filters(self, filters: tuple[Filter, ...]) -> None:
        """Every filter, over the columns of `spans` (the roll-ups name theirs alike)."""
        for condition in filters:
            if condition.field is Field.TAG:
                clause = f"hasAny(tags, {self.bind(list(condition.values))})"
            else:
                clause = f"{_COLUMNS[condition.field]} IN {self.bind(condition.values)}"
            self.add(f"NOT ({clause})" if condition.negated else clause)

    def text(self, text: str, mode: TextMode) -> None:
        """Free text in prompt or completion: whole words through the word index, anything else by reading."""
        if not text:
            return
        if mode is TextMode.WORDS or (mode is TextMode.AUTO and text_is_words(text)):
            words = self.bind(_words(text))
            self.add(f"(hasAllTokens(lower(input), {words}) OR hasAllTokens(lower(output), {words}))")
            return
        needle = self.bind(text)
        self.add(
            f"(positionCaseInsensitiveUTF8(input, {needle}) > 0 OR positionCaseInsensitiveUTF8(output, {needle}) > 0)"
        )

    @property
    def sql(self) -> str:
        """The clauses, joined."""
        return " AND ".join(self.clauses)


def text_is_words(text: str) -> bool:
    """Whether the word index can answer: nothing but words and spaces."""
    return bool(_words(text)) and not re.search(r"[^0-9A-Za-z\x80-\U0010ffff ]", text)


def _words(text: str) -> list[str]:
    return [word for word in _ASCII_SEPARATORS.split(text.translate(_ASCII_LOWER)) if word]
