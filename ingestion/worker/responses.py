"""Which calls are billed already, so that a call that both the gateway and an SDK have seen is billed once.

Whoever is read first bills, the other is kept beside it without a cost: rows are never changed. That is the gateway's
span, unless much waits to be read (order.py), and within a batch it always is. Bounded on both sides: an SDK's
span that comes more than 200,000 calls later bills too. docs/otlp.md says so.
"""

from collections import OrderedDict
from collections.abc import Container, Iterable
from dataclasses import replace
from pathlib import Path

import orjson

from ingestion.records import BILLED_BY_SDK, CostStatus, SpanRecord

__all__ = ["GATEWAY", "Responses"]

GATEWAY = "gateway"
_MOST = 200_000

Response = tuple[int, str]  # project, response id


class Responses:
    """The latest response ids of the gateway, and those that SDKs' spans bill."""

    def __init__(self, *, most: int = _MOST) -> None:
        self.most = most
        self._gateway: OrderedDict[Response, None] = OrderedDict()
        self._sdk: OrderedDict[Response, None] = OrderedDict()

    def load(self, known: Iterable[tuple[int, str, str]]) -> None:
        """Take up what the store knows, the newest first: project, response id, source."""
        for project_id, response, source in reversed(list(known)):
            (self._gateway if source == GATEWAY else self._sdk)[project_id, response] = None

    def settle(self, records: Iterable[SpanRecord]) -> list[SpanRecord]:
        """Return the gateway's spans, those that an SDK has billed without a cost; note the others as billed."""
        settled = []
        for record in records:
            if record.response_id and record.billable and record.source == GATEWAY:
                response = record.project_id, record.response_id
                if response in self._sdk:
                    record = _unbilled(record)
                self._note(self._gateway, response)
            settled.append(record)
        return settled

    def write(self, path: Path, asked: Iterable[tuple[int, str, int]], *, priced: Container[int]) -> None:
        """Write those of a batch's SDK spans that the gateway has billed, a line each, for the engine.

        The others will bill, and so the gateway's span of the same call will not; unless theirs has no price, since the
        gateway may know better which provider was asked. `asked` names project, response id and usage.
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
