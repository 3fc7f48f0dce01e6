"""A batch on its way: the plan, what its frames hold, and the bodies as the engine will read them. Values only."""

from dataclasses import dataclass, field

from ingestion.drops import DropReason
from ingestion.metrics import Reading
from ingestion.otlp import EngineBody
from ingestion.records import Drop
from ingestion.scores import Reading as Scores
from ingestion.store.staging import Survey
from ingestion.worker.intake import Body, Intake, sample_of, signal_of
from ingestion.worker.plan import Plan

__all__ = ["NO_SURVEY", "Judged", "Measured", "Prepared"]

NO_SURVEY = Survey({}, {}, frozenset())


@dataclass(frozen=True, slots=True)
class Measured:
    """A metrics body and what it holds."""

    body: Body
    reading: Reading


@dataclass(frozen=True, slots=True)
class Judged:
    """A logs body and the scores that it holds."""

    body: Body
    reading: Scores


@dataclass(slots=True)
class Prepared:
    """Everything that carrying out a plan needs."""

    plan: Plan
    intake: Intake
    end_offset: int
    bodies: list[EngineBody] = field(default_factory=list)  # those of `intake.traces` that are not excluded, in order
    measured: list[Measured] = field(default_factory=list)  # those of `intake.metrics` that are not excluded, in order
    judged: list[Judged] = field(default_factory=list)  # those of `intake.logs` that are not excluded, in order
    survey: Survey = NO_SURVEY
    samples: dict[int, str] = field(default_factory=dict)  # of malformed spans, for people
    unfolding: int | None = None  # which of the two has the bodies, while they are held

    def place(self, position: int) -> str:
        """Return a position as the tables hold it."""
        return f"{self.plan.writer}/{self.plan.segment}:{position}"

    def kept(self, bodies: list[Body]) -> list[Body]:
        """Return the bodies that the plan does not exclude."""
        return [body for body in bodies if body.position not in self.plan.excluded]

    def drops(self) -> list[Drop]:
        """Return everything of this batch that is accepted and not written."""
        found = list(self.intake.drops)
        by_position = {body.position: body for body in self.intake.bodies}
        for position, exclusion in sorted(self.plan.excluded.items()):
            found.append(self._drop(by_position[position], exclusion.reason, exclusion.records, exclusion.detail))
        for position, count in sorted(self.plan.malformed.items()):
            detail = self.samples.get(position, "a span's ids are missing, zero or of a wrong length")
            found.append(self._drop(by_position[position], "malformed_span", count, detail))
        for place, why in sorted(self.plan.refused.get("spans", {}).items()):
            closed = self.intake.exchanges[place]
            body = Body(closed.position, closed.envelope)
            found.append(self._drop(body, "refused_by_store", 1, why, signal="exchange"))
        for place, why in sorted(self.plan.refused.get("otlp", {}).items()):
            position = self.bodies[place].position
            lost = self.plan.spans.get(position, 0) - self.plan.malformed.get(position, 0)
            found.append(self._drop(by_position[position], "refused_by_store", lost, why))
        for measured in self.measured:
            found += [
                self._drop(measured.body, "malformed_point", lost.records, lost.detail)
                for lost in measured.reading.lost
            ]
        for judged in self.judged:
            found += [self._drop(judged.body, lost.reason, lost.records, lost.detail) for lost in judged.reading.lost]
        for part, bodies in self._rows():
            if refused := self.plan.refused.get(part, {}):
                owners = [body for body, count in bodies for _ in range(count)]
                found += [
                    self._drop(owners[place], "refused_by_store", 1, why) for place, why in sorted(refused.items())
                ]
        return found

    def written(self) -> list[tuple[int, int, int]]:
        """Return project, time received and number of rows of every frame that became rows."""
        refused = self.plan.refused.get("spans", {})
        rows = [
            (closed.envelope.project_id, closed.envelope.received_ns, 1)
            for place, closed in enumerate(self.intake.exchanges)
            if place not in refused
        ]
        refused = self.plan.refused.get("otlp", {})
        for place, body in enumerate(self.bodies):
            if place not in refused:
                count = self.plan.spans.get(body.position, 0) - self.plan.malformed.get(body.position, 0)
                rows.append((body.project_id, body.received_ns, count))
        for part, bodies in self._rows():
            refused, first = self.plan.refused.get(part, {}), 0
            for owner, count in bodies:
                missing = sum(first <= place < first + count for place in refused)
                rows.append((owner.envelope.project_id, owner.envelope.received_ns, count - missing))
                first += count
        return rows

    def _rows(self) -> list[tuple[str, list[tuple[Body, int]]]]:
        """Return the parts whose rows are made here: each body with the number of its rows, in their order."""
        return [
            ("gpu_samples", [(one.body, len(one.reading.samples)) for one in self.measured]),
            ("scores", [(one.body, len(one.reading.scores)) for one in self.judged]),
        ]

    def _drop(self, body: Body, reason: str, records: int, detail: str, *, signal: str = "") -> Drop:
        return Drop(
            project_id=body.envelope.project_id,
            received_ns=body.envelope.received_ns,
            reason=DropReason(reason),
            signal=signal or signal_of(body.envelope),
            records=records,
            detail=detail,
            position=self.place(body.position),
            sample="" if reason == DropReason.DUPLICATE else sample_of(body.envelope),
        )
