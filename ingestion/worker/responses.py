"""Which calls are billed already, so that a call that both the gateway and an SDK have seen is billed once.

The two are known by the answer's id; where the SDK has none, as after a failure, by the SDK's span, which the request
to the gateway named as its parent.

Whoever is read first bills, the other is kept beside it without a cost: rows are never changed. That is the gateway's
span, unless much waits to be read (order.py), and within a batch it always is. Bounded on both sides: an SDK's
span that comes more than 200,000 calls later bills too. docs/otlp.md says so.
"""

from collections import OrderedDict
from collections.abc import Container, Iterable
from dataclasses import replace
from pathlib import Path

import orjson

from ingestion.records import BILLED_BY_SDK, CALL_KINDS, CostStatus, SpanRecord

__all__ = ["GATEWAY", "Responses", "asked_within"]

GATEWAY = "gateway"
_MOST = 200_000

Response = tuple[int, str]  # project, and response id or asked_within(…)


def asked_within(trace_id: str, span_id: str) -> str:
    """Return the name of a call by the span that asked; OTLP's statements make the same (store/otlp/money.py)."""
    return f"{trace_id}/{span_id}"


class Responses:
    """The latest response ids of the gateway, and those that SDKs' spans bill."""

    def __init__(self, *, most: int = _MOST) -> None:
        self.most = most
        self._gateway: OrderedDict[Response, None] = OrderedDict()
        self._sdk: OrderedDict[Response, None] = OrderedDict()

    def load(self, known: Iterable[tuple[int, str, str]]) -> None:
        """Take up what the store knows, the newest first: project, response id or asked_within(…), source."""
        for project_id, response, source in reversed(list(known)):
            (self._gateway if source == GATEWAY else self._sdk)[project_id, response] = None

    def settle(self, records: Iterable[SpanRecord]) -> list[SpanRecord]:
        """Return the gateway's spans, those that an SDK has billed without a cost; note the others as billed."""
        settled = []
        for record in records:
            if record.source == GATEWAY:
                names = [(record.project_id, name) for name in _names(record)]
                if record.billable and any(name in self._sdk for name in names):
                    record = _unbilled(record)
                for name in names:
                    self._note(self._gateway, name)
            settled.append(record)
        return settled

    def write(self, path: Path, asked: Iterable[tuple[int, str, int]], *, priced: Container[int]) -> None:
        """Write those of a batch's SDK spans that the gateway has billed, a line each, for the engine.

        The others will bill, and so the gateway's span of the same call will not; unless theirs has no price, since the
        gateway may know better which provider was asked. `asked` names project, call and usage.
        """
        lines = []
        for project_id, name, usage in asked:
            response = project_id, name
            if response in self._gateway:
                lines.append(orjson.dumps(response) + b"\n")
            elif usage in priced:
                self._note(self._sdk, response)
        path.write_bytes(b"".join(lines))

    def _note(self, known: OrderedDict[Response, None], response: Response) -> None:
        known[response] = None
        if len(known) > self.most:
            known.popitem(last=False)


def _names(record: SpanRecord) -> list[str]:
    names = [record.response_id] if record.response_id and record.billable else []
    if record.parent_span_id and record.kind in CALL_KINDS:
        names.append(asked_within(record.trace_id, record.parent_span_id))
    return names


def _unbilled(record: SpanRecord) -> SpanRecord:
    return replace(
        record,
        billable=False,
        cost=None,
        cost_currency="",
        cost_usd=None,
        cost_details={},
        cost_status=CostStatus.NOT_BILLABLE,
        cost_reason=BILLED_BY_SDK,
        price_id="",
    )
