"""OTLP requests that cost nothing to make: encoded once, ids patched in place, so that no two bodies are the same."""

import json
import os
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.generate.words import Writer

__all__ = ["OtlpBodies"]

MARK = bytes.fromhex("feedfacecafebeef0123456789abcdef")


class OtlpBodies:
    """Bodies of `spans` spans of about 2 kB each, following the current OpenTelemetry GenAI convention."""

    def __init__(self, *, spans: int, variants: int = 8, run: bytes | None = None) -> None:
        self.run = run or os.urandom(8)
        self.spans = spans
        self._templates = [bytearray(_encoded(spans, variant)) for variant in range(variants)]
        self._places = [_places(template) for template in self._templates]
        self._made = 0

    @property
    def size(self) -> int:
        """Bytes of one body."""
        return len(self._templates[0])

    def next(self) -> tuple[bytes, str]:
        """Return a body that was never sent before, and the trace id of its spans."""
        number = self._made
        self._made += 1
        variant = number % len(self._templates)
        template = self._templates[variant]
        trace_id = self.run + number.to_bytes(8, "big")
        for place in self._places[variant]:
            template[place : place + 16] = trace_id
        return bytes(template), trace_id.hex()


def _places(template: bytearray) -> list[int]:
    places, at = [], template.find(MARK)
    while at >= 0:
        places.append(at)
        at = template.find(MARK, at + 16)
    return places


def _encoded(spans: int, variant: int) -> bytes:
    write = Writer(seed=variant)
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    _attribute(resource.resource.attributes, "service.name", f"shop-{variant % 3}")
    scope = resource.scope_spans.add()
    scope.scope.name = "bench"
    now = time.time_ns()
    for number in range(spans):
        span = scope.spans.add()
        span.trace_id = MARK
        span.span_id = (variant << 32 | number + 1).to_bytes(8, "big")
        if number:
            span.parent_span_id = (variant << 32 | 1).to_bytes(8, "big")
        span.name = "chat gpt-4o-mini"
        span.kind = 3
        span.start_time_unix_nano = now - 2_000_000_000 + number * 1_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + 800_000_000
        asked, answered = write.text(130), write.text(120)
        for name, value in (
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-4o-mini"),
            ("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
            ("gen_ai.response.id", f"chatcmpl-{variant}-{number}"),
            ("gen_ai.conversation.id", f"session-{number % 7}"),
            ("user.id", f"user-{number % 50}"),
            ("gen_ai.input.messages", json.dumps([{"role": "user", "parts": [{"type": "text", "content": asked}]}])),
            (
                "gen_ai.output.messages",
                json.dumps(
                    [{"role": "assistant", "parts": [{"type": "text", "content": answered}], "finish_reason": "stop"}]
                ),
            ),
        ):
            _attribute(span.attributes, name, value)
        for name, amount in (("input", 200 + number), ("output", 180 + number)):
            span.attributes.add(key=f"gen_ai.usage.{name}_tokens").value.int_value = amount
    return request.SerializeToString()


def _attribute(attributes: "object", key: str, value: str) -> None:
    attributes.add(key=key).value.string_value = value  # type: ignore[attr-defined]
