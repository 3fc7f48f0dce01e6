"""The body of an OTLP metrics request, protobuf or JSON, as its message."""

from typing import Any

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

__all__ = ["UnreadableMetrics", "parse"]


class UnreadableMetrics(ValueError):  # noqa: N818 - says what the body is
    """The body is not what its content type says; the message says where."""


def parse(content: bytes, *, json: bool) -> MetricsData:
    """Return the message. Raises UnreadableMetrics."""
    try:
        if not json:
            data = MetricsData()
            data.ParseFromString(content)
            return data
        document = _without_exemplars(orjson.loads(content))
        # OTLP's JSON is protobuf's own but for ids, which stand in exemplars only.
        data = MetricsData()
        ParseDict(document, data, ignore_unknown_fields=True)
    except (DecodeError, ParseError, orjson.JSONDecodeError, RecursionError, UnicodeError) as error:
        kind = "JSON" if json else "protobuf"
        raise UnreadableMetrics(f"the body is no ExportMetricsServiceRequest in {kind}: {error}"[:500]) from error
    return data


def _without_exemplars(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_exemplars(item) for key, item in value.items() if key != "exemplars"}
    if isinstance(value, list):
        return [_without_exemplars(item) for item in value]
    return value
