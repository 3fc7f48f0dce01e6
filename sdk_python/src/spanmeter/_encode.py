"""Finished spans and scores as OTLP request bodies. Pure: values in, bytes out.

A body never grows over its bound because of one more span, and holds what the resource lacks (environment, release,
service), so that spans of somebody else's tracer provider say them too.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from opentelemetry.sdk.trace import ReadableSpan

from spanmeter import _attributes as names
from spanmeter._evaluation import score_attributes
from spanmeter._guard import faults
from spanmeter._score import Score

__all__ = ["Body", "encode_scores", "encode_spans"]

_LARGEST_INT = 2**63


@dataclass(frozen=True, slots=True)
class Body:
    """One request's body as it goes over the wire, whenever it goes: the same bytes each time."""

    signal: str  # traces or logs
    content: bytes
    gzipped: bool
    records: int


def encode_spans(
    spans: Sequence[ReadableSpan], *, resource: Mapping[str, str], most_bytes: int, compress: bool
) -> Iterator[Body]:
    """Yield bodies of at most about `most_bytes` before compression; at least one span each."""
    request, size, count = _Traces(resource), 0, 0
    for span in spans:
        message = _one(span)
        if message is None:
            continue
        length = message.ByteSize()
        if count and size + length > most_bytes:
            yield _body("traces", request.message, count, compress)
            request, size, count = _Traces(resource), 0, 0
        request.add(span, message)
        size, count = size + length, count + 1
    if count:
        yield _body("traces", request.message, count, compress)


def encode_scores(scores: Iterable[Score], *, resource: Mapping[str, str], compress: bool) -> Iterator[Body]:
    """Yield the body of a logs request: one `gen_ai.evaluation.result` event a score."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add(resource=Resource(attributes=_pairs(resource)))
    records = group.scope_logs.add(scope=InstrumentationScope(name="spanmeter")).log_records
    for score in scores:
        record = LogRecord(
            time_unix_nano=score.timestamp_ns,
            observed_time_unix_nano=score.timestamp_ns,
            event_name=names.EVALUATION_EVENT,
            trace_id=bytes.fromhex(score.trace_id),
            span_id=bytes.fromhex(score.span_id),
            attributes=_pairs(score_attributes(score)),
        )
        records.append(record)
    if records:
        yield _body("logs", request, len(records), compress)


def _body(signal: str, message: Any, records: int, compress: bool) -> Body:
    content = message.SerializeToString()
    if not compress or len(content) < 1024:
        return Body(signal, content, False, records)
    # Header of gzip without a time: the same spans are the same bytes.
    machine = zlib.compressobj(1, zlib.DEFLATED, 31)
    return Body(signal, machine.compress(content) + machine.flush(), True, records)


class _Traces:
    """Puts spans under their resource and scope."""

    def __init__(self, extra: Mapping[str, str]) -> None:
        self.message = ExportTraceServiceRequest()
        self._extra = extra
        self._resources: dict[int, ResourceSpans] = {}
        self._scopes: dict[tuple[int, int], ScopeSpans] = {}

    def add(self, span: ReadableSpan, message: Span) -> None:
        scope = span.instrumentation_scope
        key = (id(span.resource), id(scope))  # alive as long as the spans are, so ids are names
        group = self._scopes.get(key)
        if group is None:
            group = self._scopes[key] = self._resource(span).scope_spans.add()
            if scope is not None:
                group.scope.CopyFrom(InstrumentationScope(name=scope.name, version=scope.version or ""))
        group.spans.append(message)

    def _resource(self, span: ReadableSpan) -> ResourceSpans:
        found = self._resources.get(id(span.resource))
        if found is None:
            found = self._resources[id(span.resource)] = self.message.resource_spans.add()
            merged = {**dict(span.resource.attributes), **self._extra}
            found.resource.CopyFrom(Resource(attributes=_pairs(merged)))
        return found


def _one(span: ReadableSpan) -> Span | None:
    """A span that cannot be said in protobuf must not take its batch with it."""
    try:
        return _span(span)
    except (ValueError, TypeError, AttributeError) as error:
        faults.note("encode", error)
        return None


def _span(span: ReadableSpan) -> Span:
    context = span.get_span_context()
    if context is None:
        raise ValueError("a span without a context")
    status = span.status
    message = Span(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        name=_clean(span.name),
        kind=span.kind.value + 1,  # type: ignore[arg-type] # the protocol counts from 1
        start_time_unix_nano=span.start_time or 0,
        end_time_unix_nano=span.end_time or 0,
        attributes=_pairs(span.attributes or {}),
        flags=int(context.trace_flags),
        dropped_attributes_count=span.dropped_attributes,
    )
    if span.parent is not None:
        message.parent_span_id = span.parent.span_id.to_bytes(8, "big")
    if status.status_code.value:
        message.status.code = status.status_code.value  # type: ignore[assignment]
        message.status.message = _clean(status.description or "")
    for event in span.events:
        message.events.add(
            name=_clean(event.name), time_unix_nano=event.timestamp, attributes=_pairs(event.attributes or {})
        )
    for link in span.links:
        message.links.add(
            trace_id=link.context.trace_id.to_bytes(16, "big"),
            span_id=link.context.span_id.to_bytes(8, "big"),
            attributes=_pairs(link.attributes or {}),
        )
    return message


def _pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=_clean(key), value=_value(value)) for key, value in attributes.items() if value is not None]


def _value(value: Any) -> AnyValue:
    kind = type(value)
    if kind is str:
        return AnyValue(string_value=_clean(value))
    if kind is bool:
        return AnyValue(bool_value=value)
    if kind is int:
        in_range = -_LARGEST_INT <= value < _LARGEST_INT
        return AnyValue(int_value=value) if in_range else AnyValue(string_value=str(value))
    if kind is float:
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    found = AnyValue()
    if isinstance(value, Mapping):
        found.kvlist_value.values.extend(_pairs(value))
    elif isinstance(value, list | tuple):
        found.array_value.values.extend([_value(item) for item in value])
    elif value is not None:
        found.string_value = _clean(str(value))
    return found


def _clean(text: str) -> str:
    """Half a surrogate pair is no text that can be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
