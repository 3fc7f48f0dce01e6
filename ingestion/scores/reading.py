"""A logs message → scores, and what of it is lost and why. Pure.

A log record that is no evaluation result is counted as lost for `unsupported_signal`: this version keeps no logs. One
that is, and breaks the rules, is lost for `malformed_score`; its neighbours are kept.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData

from ingestion.drops import DropReason
from ingestion.records import ScoreRecord
from ingestion.scores import event
from ingestion.scores.rules import (
    ERROR_TYPE,
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_METADATA,
    RESPONSE_ID,
    DataType,
    ScoreSource,
    WrongScore,
    check,
)

__all__ = ["Lost", "Reading", "read"]

_FIRST_NS = 1_420_070_400 * 10**9  # 2015: a clock that says less is wrong
_DAY_NS = 86_400 * 10**9
_MOST_COST = Decimal(10) ** 6
_NO_SCORE = "log records are accepted at the door but not stored by this version, but for gen_ai.evaluation.result"


@dataclass(frozen=True, slots=True)
class Lost:
    """Records of one body that will not be rows."""

    reason: str
    records: int
    detail: str


@dataclass(slots=True)
class Reading:
    """What a body held. `len(scores) + sum(lost)` is the number of its log records: what the gateway counted."""

    scores: list[ScoreRecord] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def lost(self) -> list[Lost]:
        """What is no score, by reason."""
        return [Lost(reason, records, detail) for (reason, detail), records in self.counts.items()]

    def lose(self, reason: str, detail: str) -> None:
        """Count a record that cannot be a row."""
        self.counts[reason, detail] = self.counts.get((reason, detail), 0) + 1


def read(data: LogsData, *, project_id: int, received_ns: int, body_id: bytes, mask: Callable[[str], str]) -> Reading:
    """Return every score of a message. `body_id` makes the ids of scores that have none: a replay makes the same."""
    reading = Reading()
    place = 0
    for of_resource in data.resource_logs:
        resource = _values(of_resource.resource.attributes)
        for scope in of_resource.scope_logs:
            for record in scope.log_records:
                place += 1
                values = _values(record.attributes)
                if event.EVENT not in (record.event_name, values.get("event.name")):
                    reading.lose(DropReason.UNSUPPORTED_SIGNAL, _NO_SCORE)
                    continue
                own_id = hashlib.blake2b(b"%d/%b" % (place, body_id), digest_size=16).hexdigest()
                try:
                    score = _score(record, values, resource, project_id, received_ns, own_id, mask)
                except WrongScore as error:
                    reading.lose(DropReason.MALFORMED_SCORE, f"{error.field}: {error.message}"[:500])
                else:
                    # Of two versions in one body the later wins.
                    reading.scores.append(replace(score, updated_ns=received_ns + place * 1000))
    return reading


def _score(
    record: LogRecord,
    values: Mapping[str, Any],
    resource: Mapping[str, Any],
    project_id: int,
    received_ns: int,
    own_id: str,
    mask: Callable[[str], str],
) -> ScoreRecord:
    def text(key: str, most: int = LONGEST_NAME) -> str:
        return _text(values.get(key, ""))[:most]

    number = _number(values.get(event.VALUE))
    label, other = text(event.LABEL, LONGEST_TEXT), text(event.PREFIX + "text_value", LONGEST_TEXT)
    kind = text(event.PREFIX + "data_type") or (
        DataType.NUMBER if number is not None else DataType.CATEGORY if label else DataType.TEXT
    )
    metadata = _metadata(values)
    source = text(event.PREFIX + "source") or ScoreSource.API
    if source not in set(ScoreSource):
        metadata["source"], source = source, ScoreSource.API
    return check(
        ScoreRecord(
            project_id=project_id,
            id=_text(values.get(event.PREFIX + "id", "")) or own_id,
            trace_id=record.trace_id.hex(),
            span_id=record.span_id.hex(),
            session_id=text(event.SESSION),
            name=_text(values.get(event.NAME, "")),
            data_type=kind,
            value=number,
            text_value=mask(label or other),
            source=source,
            author=text(event.PREFIX + "author"),
            comment=mask(text(event.EXPLANATION, LONGEST_TEXT))[:LONGEST_TEXT],
            evaluator=text(event.PREFIX + "evaluator"),
            evaluator_version=text(event.PREFIX + "evaluator_version"),
            environment=text(event.ENVIRONMENT) or _text(resource.get(event.ENVIRONMENT, ""))[:LONGEST_NAME],
            metadata={key: mask(value)[:1024] for key, value in metadata.items()},
            cost_usd=_money(values.get(event.COST)),
            timestamp_ns=_moment(record, received_ns),
            received_ns=received_ns,
            updated_ns=received_ns,
            deleted=values.get(event.DELETED) is True,
        )
    )


def _metadata(values: Mapping[str, Any]) -> dict[str, str]:
    found = {name: _text(values[name])[:1024] for name in (ERROR_TYPE, RESPONSE_ID) if values.get(name)}
    for key, value in values.items():
        if key.startswith(event.METADATA) and len(found) < MOST_METADATA - 1:
            found[key.removeprefix(event.METADATA)[:LONGEST_NAME] or "metadata"] = _text(value)[:1024]
    return found


def _moment(record: LogRecord, received_ns: int) -> int:
    for found in (record.time_unix_nano, record.observed_time_unix_nano):
        if _FIRST_NS <= found <= received_ns + _DAY_NS:
            return int(found)
    return received_ns


def _number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool | int | float):
        return float(value)
    raise WrongScore("value", f"{event.VALUE} is {_text(value)[:60]!r}, which is no number")


def _money(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < _MOST_COST:
        raise WrongScore("cost_usd", f"{event.COST} is {str(value)[:60]!r}: expected an amount of dollars")
    return amount


def _values(attributes: Any) -> dict[str, Any]:
    return {attribute.key: _value(attribute.value) for attribute in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind in {"string_value", "bool_value", "int_value", "double_value"}:
        return getattr(value, kind)
    return next(iter(MessageToDict(value).values()), "")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)
