"""A score as the event `gen_ai.evaluation.result`: the names on the wire, and how one is written. Pure.

The convention's attributes come first; `spanmeter.score.*` holds what it has no word for. docs/scores.md lists them.
"""

from collections.abc import Iterable
from typing import Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

from ingestion.records import ScoreRecord
from ingestion.scores.rules import DataType

__all__ = ["EVENT", "encode_scores"]

EVENT: Final = "gen_ai.evaluation.result"
NAME: Final = "gen_ai.evaluation.name"
VALUE: Final = "gen_ai.evaluation.score.value"
LABEL: Final = "gen_ai.evaluation.score.label"
EXPLANATION: Final = "gen_ai.evaluation.explanation"
SESSION: Final = "session.id"
ENVIRONMENT: Final = "deployment.environment.name"
PREFIX: Final = "spanmeter.score."
METADATA: Final = PREFIX + "metadata."
OURS: Final = ("id", "data_type", "text_value", "source", "author", "evaluator", "evaluator_version")
COST: Final = PREFIX + "cost_usd"
DELETED: Final = PREFIX + "deleted"


def encode_scores(scores: Iterable[ScoreRecord]) -> bytes:
    """Return the body of a logs request, one record a score."""
    data = LogsData()
    into = data.resource_logs.add().scope_logs.add()
    for score in scores:
        record = into.log_records.add(
            time_unix_nano=score.timestamp_ns,
            observed_time_unix_nano=score.received_ns,
            event_name=EVENT,
            trace_id=bytes.fromhex(score.trace_id),
            span_id=bytes.fromhex(score.span_id),
        )
        if score.value is not None:
            record.attributes.add(key=VALUE).value.double_value = score.value
        if score.deleted:
            record.attributes.add(key=DELETED).value.bool_value = True
        for key, text in _texts(score).items():
            if text:
                record.attributes.add(key=key).value.string_value = text
    return bytes(data.SerializeToString())


def _texts(score: ScoreRecord) -> dict[str, str]:
    category = score.data_type == DataType.CATEGORY
    found = {NAME: score.name, EXPLANATION: score.comment, SESSION: score.session_id, ENVIRONMENT: score.environment}
    found |= {PREFIX + name: getattr(score, name) for name in OURS if name != "text_value"}
    found[LABEL if category else PREFIX + "text_value"] = score.text_value
    found[COST] = "" if score.cost_usd is None else format(score.cost_usd, "f")
    return found | {METADATA + key: text for key, text in score.metadata.items()}
