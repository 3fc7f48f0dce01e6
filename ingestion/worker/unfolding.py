"""OTLP bodies of one batch, unfolded and looked over before anything is decided; then their rows, piece by piece.

There are two of these, with a staging table each, so that one batch can be unfolded while another is inserted.
What cannot be unfolded must not hold up what stands behind it: bodies at fault are found by halving.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ingestion.otlp import EngineBody, MalformedBody, flatten, write_batch
from ingestion.store.client import QueryFailed
from ingestion.store.staging import Staging
from ingestion.worker.plan import Exclusion
from ingestion.worker.prepared import Prepared
from ingestion.worker.refusal import is_refusal, short

__all__ = ["Unfolding"]

_NO_OTLP = "the body is no ExportTraceServiceRequest in protobuf"
_PATIENCE = 5  # times that an error which may pass is waited out before the bodies are blamed


class Unfolding:
    """A staging table, the folder of the files that it is filled from, and what is done with both."""

    def __init__(self, staging: Staging, folder: Path, *, mask: Callable[[str], str]) -> None:
        self._staging = staging
        self._folder = folder
        self._mask = mask
        self._failing = ""
        self._failures = 0

    def look_over(self, prepared: Prepared, *, decided: bool) -> None:
        """Stage the bodies and put into the plan what the survey says. `decided`: the plan knows its spans already."""
        plan = prepared.plan
        self._stage(prepared)
        survey = prepared.survey = self._staging.survey()
        if not decided:
            plan.spans = {position: body.spans for position, body in survey.bodies.items()}
            plan.malformed = {at: body.malformed for at, body in survey.bodies.items() if body.malformed}
        prepared.samples = {at: "; ".join(body.samples)[:2000] for at, body in survey.bodies.items() if body.samples}
        rewritten = {position for position, body in survey.bodies.items() if body.nested or body.masked}
        if rewritten:
            self._rewrite(prepared, rewritten)
            self._stage(prepared)

    def insert(self, prepared: Prepared, first: int, last: int, *, prices: Path, billed: Path, token: str) -> None:
        """Insert the spans of the bodies at these places."""
        bodies, plan = prepared.bodies, prepared.plan
        self._staging.insert(
            bodies[first].position,
            bodies[last - 1].position,
            batch_id=plan.batch_id,
            spans=sum(plan.spans.get(body.position, 0) for body in bodies),
            prices=prices,
            billed=billed,
            token=token,
        )

    def clear(self) -> None:
        """Give the memory back."""
        self._staging.clear()

    def _rewrite(self, prepared: Prepared, positions: set[int]) -> None:
        """Turn nested values to text and mask secrets in the bodies at these positions."""
        plan, bodies = prepared.plan, []
        for body in prepared.bodies:
            if body.position not in positions:
                bodies.append(body)
                continue
            try:
                bodies.append(replace(body, otlp=flatten(body.otlp, mask=self._mask)))
            except MalformedBody as error:  # the engine is more patient, but what cannot be masked is not kept
                spans = plan.spans.pop(body.position, 1)
                plan.malformed.pop(body.position, None)
                plan.excluded[body.position] = Exclusion("malformed_body", spans, str(error))
        prepared.bodies = bodies

    def _stage(self, prepared: Prepared) -> None:
        """Stage what the engine can read; what it cannot is excluded."""
        plan = prepared.plan
        unreadable = self._unreadable(prepared.bodies, prepared)
        if unreadable:
            records = {body.position: body.envelope.records for body in prepared.intake.traces}
            for position, (reason, why) in unreadable.items():
                spans = plan.spans.pop(position, 0) or max(1, records[position])
                plan.malformed.pop(position, None)
                plan.excluded[position] = Exclusion(reason, spans, why)
            prepared.bodies = [body for body in prepared.bodies if body.position not in unreadable]
            self._fill(prepared.bodies, plan.batch_id)

    def _unreadable(self, bodies: list[EngineBody], prepared: Prepared) -> dict[int, tuple[str, str]]:
        """Stage bodies; where the engine cannot, halve until those at fault stand alone: position → reason, detail."""
        try:
            self._fill(bodies, prepared.plan.batch_id)
        except Exception as error:
            if not self._is_their_fault(error, prepared):
                raise
            if len(bodies) == 1:
                told = ("malformed_body", _NO_OTLP) if is_refusal(error) else ("refused_by_store", short(error))
                return {bodies[0].position: told}
            middle = len(bodies) // 2
            return self._unreadable(bodies[:middle], prepared) | self._unreadable(bodies[middle:], prepared)
        return {}

    def _is_their_fault(self, error: Exception, prepared: Prepared) -> bool:
        """Say whether staging failed because of the bodies. An engine that says why is believed; one that fails with
        these bodies again and again, and not without any, has told as much.
        """
        if is_refusal(error):
            return True
        if not isinstance(error, QueryFailed):
            return False
        plan = prepared.plan
        name = f"{plan.writer}/{plan.segment}/{plan.start}"
        self._failures = self._failures + 1 if name == self._failing else 1
        self._failing = name
        if self._failures < _PATIENCE:
            return False
        self._fill([], plan.batch_id)
        return True

    def _fill(self, bodies: list[EngineBody], batch_id: int) -> None:
        self._staging.stage(write_batch(self._folder, bodies, batch_id=batch_id))
