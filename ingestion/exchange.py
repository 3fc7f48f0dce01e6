"""One captured exchange to one span: what was asked and answered, by whom, how long it took, how much was used.

Pure, and total: any bytes give a record; what could not be read is said in attributes["spanmeter.note"]. Never prices
(ingestion.price does), never asks the clock.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ingestion import messages as m
from ingestion import tokens
from ingestion.attribution import header_map, read_attribution
from ingestion.content import decompress, describe_binary, is_binary, to_text
from ingestion.envelope import Envelope, Exchange, Kind, Outcome
from ingestion.gap import bridge
from ingestion.ids import span_id_of, trace_id_of, uuid_text
from ingestion.json_shape import as_dict, clip, dumps, loads, loads_cut
from ingestion.pricebook import PriceBook
from ingestion.providers.base import Answer, Reading, is_event_stream
from ingestion.providers.openai_embeddings import without_vectors
from ingestion.providers.registry import PROVIDERS, reader_of
from ingestion.records import CostStatus, SpanKind, SpanRecord, SpanStatus
from ingestion.redact import Redactor
from ingestion.usage import INPUT_BUCKETS, OUTPUT_BUCKETS, Basis, Bucket, Usage

__all__ = ["read_exchange"]

_OUTCOME_ERRORS = {
    Outcome.UPSTREAM_BROKE: "upstream_broke",
    Outcome.UPSTREAM_TIMEOUT: "upstream_timeout",
    Outcome.UPSTREAM_UNREACHABLE: "upstream_unreachable",
}
_UNKNOWN_READER = PROVIDERS[-1]
_DEFAULT_REDACTOR = Redactor()


def read_exchange(
    envelope: Envelope, *, redactor: Redactor = _DEFAULT_REDACTOR, book: PriceBook | None = None
) -> SpanRecord:
    """Return the span of an OPEN or CLOSE envelope, without its price. `book` tells whose API a custom upstream is."""
    exchange = envelope.exchange or Exchange()
    interrupted = envelope.kind is Kind.OPEN
    request_headers = header_map(exchange.request_headers)
    response_headers = header_map(exchange.response_headers)
    host, path = _host_and_path(exchange.url)
    provider = _provider(exchange, book)
    who = read_attribution(request_headers)
    notes = who.notes

    asked = _request(exchange, request_headers, notes)
    answered = _answer(exchange, response_headers, notes)
    answer = answered.answer
    reader = reader_of(exchange.method, path, provider)
    try:
        reading = reader.read(asked.json, answer, method=exchange.method, path=path)
    except Exception as error:  # the last barrier: an exchange that nobody foresaw is recorded raw
        notes.append(f"reader {reader.name} failed: {type(error).__name__}: {str(error)[:200]}")
        reader = _UNKNOWN_READER
        reading = Reading(kind=SpanKind.SPAN, operation=f"{exchange.method} {path}"[:160], billable=False)
    notes.extend(reading.notes)

    status, error_type, error_message = _status(exchange, reading, interrupted=interrupted)
    attributes = {**reading.attributes, **who.attributes}
    if reading.service_tier:
        attributes["openai.response.service_tier"] = reading.service_tier
    if host:
        attributes["server.address"] = host
    captured_whole = not asked.cut and not answered.cut
    usage = _usage(reading, answer, status, attributes, notes, captured_whole=captured_whole)
    billable, cost_status, cost_reason = _billing(reading, usage, exchange, status)
    stored = _stored(asked, answered, reading, redactor, notes)
    ttft_ns = _ttft(exchange, reading, answered.sizes, notes)
    if reading.tools:
        attributes["gen_ai.tool.definitions"] = stored.tools
    if notes:
        attributes["spanmeter.note"] = clip("; ".join(dict.fromkeys(notes)), 2000)

    request_id = envelope.id if len(envelope.id) == 16 else hashlib.blake2b(envelope.id, digest_size=16).digest()
    started = exchange.started_ns or envelope.received_ns
    quantities = usage.quantities
    known = usage.basis is not Basis.NONE
    model_shown = reading.model_requested or reading.model
    named = f"{reading.operation} {model_shown}" if model_shown and reading.kind is not SpanKind.SPAN else ""
    return SpanRecord(
        project_id=envelope.project_id,
        trace_id=who.trace_id or trace_id_of(request_id),
        span_id=span_id_of(request_id),
        parent_span_id=who.parent_span_id,
        start_ns=started,
        end_ns=started + (0 if interrupted else exchange.ended_after_ns),
        ttft_ns=ttft_ns,
        received_ns=envelope.received_ns,
        request_id=uuid_text(request_id),
        kind=reading.kind,
        name=named or reading.operation,
        source="gateway",
        convention=reader.name,
        status=status,
        http_status=exchange.status if exchange.status < 65536 else 0,
        error_type=error_type,
        error_message=redactor.text(error_message),
        stream=reading.stream,
        finish_reason=reading.finish_reason,
        provider=provider,
        model_requested=reading.model_requested,
        model=reading.model or reading.model_requested,  # who did not answer was asked: a failure has its model too
        response_id=reading.response_id,
        user_id=who.user_id or reading.user,
        session_id=who.session_id or reading.session,
        session_name=who.session_name,
        trace_name=who.trace_name,
        environment=who.environment,
        release=who.release,
        tags=who.tags,
        prompt_name=who.prompt_name,
        prompt_version=who.prompt_version,
        properties=who.properties,
        attributes=attributes,
        billable=billable,
        input_tokens=_tokens(quantities, INPUT_BUCKETS) if known else None,
        output_tokens=_tokens(quantities, OUTPUT_BUCKETS) if known else None,
        cache_read_tokens=_tokens(quantities, (Bucket.CACHE_READ, Bucket.CACHE_READ_AUDIO)),
        cache_write_tokens=_tokens(quantities, (Bucket.CACHE_WRITE_5M, Bucket.CACHE_WRITE_1H)),
        reasoning_tokens=_tokens(quantities, (Bucket.REASONING,)),
        usage={bucket.value: quantity for bucket, quantity in quantities.items()},
        usage_basis=usage.basis.value,
        token_basis=usage.token_basis.value if usage.token_basis else "",
        usage_raw=usage.raw,
        cost_status=cost_status,
        cost_reason=cost_reason,
        reported_cost_usd=reading.reported_cost,
        input_preview=stored.input_preview,
        output_preview=stored.output_preview,
        model_parameters=stored.parameters,
        input=stored.input,
        output=stored.output,
        raw_request=stored.raw_request,
        raw_response=stored.raw_response,
        request_headers=request_headers,
        response_headers=response_headers,
        client_address=exchange.client_address,
        queue_ns=int(reading.queue_seconds * 1_000_000_000) if reading.queue_seconds is not None else None,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    body: bytes
    json: Any
    content_type: str
    cut: bool  # by the capture bound


@dataclass(frozen=True, slots=True)
class _Answered:
    answer: Answer
    sizes: tuple[int, ...]  # decoded bytes at each mark
    cut: bool  # by the capture bound


@dataclass(frozen=True, slots=True)
class _Stored:
    input: str
    output: str
    input_preview: str
    output_preview: str
    parameters: str
    tools: str
    raw_request: str
    raw_response: str


def _request(exchange: Exchange, headers: dict[str, str], notes: list[str]) -> _Asked:
    body = exchange.request_body
    cut = exchange.request_bytes > len(body)
    content_type = headers.get("content-type", "")
    decoded = decompress(body, encoding=headers.get("content-encoding", ""))
    if decoded.note and not cut:
        notes.append(f"request: {decoded.note}")
    if not decoded.data or is_binary(content_type, decoded.data):
        return _Asked(decoded.data, None, content_type, cut)
    if cut:
        notes.append(f"request captured up to {len(body)} of {exchange.request_bytes} bytes")
    value, note = loads_cut(decoded.data) if cut else loads(decoded.data)
    if note:
        notes.append(f"request body: {note}")
    elif not isinstance(value, dict):
        notes.append(f"request body is a JSON {type(value).__name__}, expected an object")
    return _Asked(decoded.data, value, content_type, cut)


def _answer(exchange: Exchange, headers: dict[str, str], notes: list[str]) -> _Answered:
    body, fragment = exchange.response_body, b""
    missing, at = exchange.response_gap_bytes, exchange.response_gap_at
    cut = ends_early = exchange.response_bytes > len(body)
    encoding = headers.get("content-encoding", "")
    content_type = headers.get("content-type", "")
    if missing:
        notes.append(f"response captured but for {missing} of {exchange.response_bytes} bytes after the first {at}")
        if is_event_stream(content_type, body) and encoding.lower() in {"", "identity"}:
            body, fragment = bridge(body, at=at, missing=missing)
            ends_early = False
        else:
            body, end = body[:at], body[at:]
            if encoding.lower() in {"", "identity"}:
                whole_end = exchange.outcome is Outcome.COMPLETE and "application/json" in content_type.lower()
                fragment = end if whole_end else b""
            else:
                notes.append(f"what follows the gap cannot be read: the body is compressed ({encoding[:40]})")
    elif cut:
        notes.append(f"response captured up to {len(body)} of {exchange.response_bytes} bytes")
    marks = exchange.marks
    decoded = decompress(body, encoding=encoding, offsets=marks[::2] if encoding else ())
    if decoded.note and exchange.outcome is Outcome.COMPLETE and not cut:
        notes.append(f"response: {decoded.note}")
    answer = Answer(
        status=exchange.status,
        body=decoded.data,
        content_type=content_type,
        headers=headers,
        cut=ends_early or exchange.outcome is not Outcome.COMPLETE,
        fragment=fragment,
    )
    return _Answered(answer, decoded.sizes if encoding else marks[::2], cut)


def _provider(exchange: Exchange, book: PriceBook | None) -> str:
    """The route names the provider; for a custom upstream the host does, when it is certainly somebody's."""
    if exchange.provider not in {"", "custom"} or book is None:
        return exchange.provider or "custom"
    return book.provider_of_url(exchange.url.partition("?")[0]) or "custom"


@lru_cache(maxsize=2048)
def _host_and_path(url: str) -> tuple[str, str]:
    rest = url.partition("://")[2] or url
    host, slash, path = rest.partition("?")[0].partition("/")
    return clip(host.rpartition("@")[2], 255), clip((slash + path).rstrip("/") or "/", 512)


def _status(exchange: Exchange, reading: Reading, *, interrupted: bool) -> tuple[SpanStatus, str, str]:
    if interrupted or exchange.outcome is Outcome.SHUTDOWN:
        return SpanStatus.INTERRUPTED, "interrupted", exchange.outcome_detail or "the gateway stopped in mid-exchange"
    if exchange.outcome is Outcome.CLIENT_GONE:
        return SpanStatus.CANCELLED, "", clip(exchange.outcome_detail, 2000)
    broken = _OUTCOME_ERRORS.get(exchange.outcome)
    if broken is not None:
        detail = "; ".join(part for part in (reading.error_message, exchange.outcome_detail) if part)
        return SpanStatus.ERROR, broken, clip(detail, 2000)
    if exchange.status >= 400:
        return SpanStatus.ERROR, reading.error_type or str(exchange.status), reading.error_message
    if reading.error_type:
        return SpanStatus.ERROR, reading.error_type, reading.error_message
    return (SpanStatus.OK if 200 <= exchange.status < 300 else SpanStatus.UNSET), "", ""


def _usage(
    reading: Reading,
    answer: Answer,
    status: SpanStatus,
    attributes: dict[str, str],
    notes: list[str],
    *,
    captured_whole: bool,
) -> Usage:
    """The provider's usage; where it gave none and something was generated, an estimate that says so."""
    usage = reading.usage
    answered = 200 <= answer.status < 300
    embedding = reading.kind is SpanKind.EMBEDDING
    if not reading.billable or not reading.estimable or not answered:
        return usage
    if usage.basis is Basis.NONE:
        if status is SpanStatus.ERROR and not any(one["parts"] for one in reading.outputs):
            return usage
        if answer.cut and not answer.is_stream and not embedding:
            return usage  # a whole answer whose end is missing: what was seen is not what was billed
        if not captured_whole:
            return usage
        estimated = tokens.estimate(
            inputs=reading.inputs, outputs=reading.outputs, tools=reading.tools, answers=not embedding
        )
        if estimated.basis is not Basis.NONE:
            attributes["spanmeter.estimate"] = tokens.error_of(reading.model or reading.model_requested)
        return estimated if estimated.basis is not Basis.NONE else usage
    if not reading.usage_complete and reading.outputs:
        return _with_output_seen(reading, notes)
    return usage


def _with_output_seen(reading: Reading, notes: list[str]) -> Usage:
    """A broken stream's last count may be of its beginning (Anthropic's first says 1): what was seen was used."""
    usage = reading.usage
    seen = tokens.estimate(inputs=(), outputs=reading.outputs).quantities
    output = seen.get(Bucket.OUTPUT, Decimal(0))
    thinking = seen.get(Bucket.REASONING, Decimal(0))
    said = sum(quantity for bucket, quantity in usage.quantities.items() if bucket in OUTPUT_BUCKETS)
    if output + thinking <= said:
        return usage
    quantities = {bucket: quantity for bucket, quantity in usage.quantities.items() if bucket not in OUTPUT_BUCKETS}
    quantities[Bucket.OUTPUT] = output
    if thinking:
        quantities[Bucket.REASONING] = thinking
    notes.append(f"output tokens counted from what arrived: the provider's last word before the break was {said}")
    return Usage(quantities=quantities, basis=Basis.PROVIDER_PARTIAL, token_basis=usage.token_basis, raw=usage.raw)


def _billing(reading: Reading, usage: Usage, exchange: Exchange, status: SpanStatus) -> tuple[bool, CostStatus, str]:
    """Return (billable, cost status, reason) before any price is known."""
    if not reading.billable:
        return False, CostStatus.NOT_BILLABLE, reading.not_billable_reason or "not_billable"
    if usage.basis is not Basis.NONE:
        return True, CostStatus.UNPRICED, "not_priced_yet"
    if exchange.outcome is Outcome.UPSTREAM_UNREACHABLE:
        return False, CostStatus.NOT_BILLABLE, "upstream_unreachable"
    if exchange.status >= 300:
        return False, CostStatus.NOT_BILLABLE, f"failed_call:{exchange.status}"
    if status is SpanStatus.OK:
        return True, CostStatus.NO_USAGE, "no_usage"
    return True, CostStatus.NO_USAGE, _OUTCOME_ERRORS.get(exchange.outcome, status.value)


def _tokens(quantities: dict[Bucket, Decimal], buckets: Sequence[Bucket] | frozenset[Bucket]) -> int | None:
    found = [int(quantity) for bucket, quantity in quantities.items() if bucket in buckets]
    return sum(found) if found else None


def _ttft(exchange: Exchange, reading: Reading, sizes: tuple[int, ...], notes: list[str]) -> int | None:
    """When the first generated token had arrived; for other answers than streams there is no such moment."""
    offset = reading.first_token_offset
    if not reading.stream or offset is None:
        return None
    for size, after_ns in zip(sizes, exchange.marks[1::2], strict=False):
        if size >= offset:
            return after_ns
    if sizes:
        notes.append("first token arrived after the last timed piece: its time is a lower bound")
        return exchange.marks[-1 if len(exchange.marks) % 2 == 0 else -2]
    return exchange.first_body_after_ns or None


def _stored(asked: _Asked, answered: _Answered, reading: Reading, redactor: Redactor, notes: list[str]) -> _Stored:
    """The texts of the row, masked where a pattern matches."""
    answer = answered.answer
    inputs, outputs = reading.inputs, reading.outputs
    parameters, tools = reading.model_parameters, reading.tools
    raw_request = _raw(asked.body, asked.content_type)
    raw_response = _raw(answer.body, answer.content_type)
    if reading.kind is SpanKind.EMBEDDING and raw_response:
        value, note = loads(answer.body)
        if not note and as_dict(value).get("data"):
            raw_response = without_vectors(value)
    if redactor.touches(raw_request):
        inputs, parameters, tools = redactor.value(inputs), redactor.value(parameters), redactor.value(tools)
        raw_request = _masked(raw_request, asked.json, redactor)
    output = dumps(outputs) if outputs else ""
    if answer.is_stream:
        masked = redactor.value(outputs) if redactor.touches(output) else outputs
        if masked is not outputs:
            raw_response = ""
            notes.append("raw stream not kept: its text was masked, and a mask cannot be put over chunks")
            outputs, output = masked, dumps(masked)
        raw_response = redactor.text(raw_response)
    elif redactor.touches(raw_response):
        value, note = loads(answer.body) if raw_response[:1] in {"{", "["} else (None, "not JSON")
        raw_response = _masked(raw_response, None if note or answer.cut else value, redactor)
        masked = redactor.value(outputs)
        outputs, output = masked, dumps(masked) if masked else ""
    return _Stored(
        input=dumps(inputs) if inputs else "",
        output=output,
        input_preview=m.preview(inputs, role="user"),
        output_preview=m.preview(outputs),
        parameters=dumps(parameters) if parameters else "",
        tools=dumps(tools) if tools else "",
        raw_request=raw_request,
        raw_response=raw_response,
    )


def _masked(raw: str, value: Any, redactor: Redactor) -> str:
    """Mask inside the JSON when it is JSON: a mask over raw text could cut an escape in half."""
    if value is None:
        return redactor.text(raw)
    masked = redactor.value(value)
    return raw if masked is value else dumps(masked)


def _raw(body: bytes, content_type: str) -> str:
    if not body:
        return ""
    if is_binary(content_type, body):
        return describe_binary(content_type, body, size=len(body))
    return to_text(body, content_type=content_type)
