"""The numbered procedure that turns one range of a segment into rows, exactly once.

    1. prepare: read, find duplicates, convert, survey. Nothing is decided yet; anything may fail and be tried again.
    2. the plan is on disk.
    3. bodies, exchanges, samples, scores, drops, hashes: each an insert under its own token.
    4. the row of `batches`.

A kill after 2 makes the next process do 3 and 4 again from the plan: what had arrived is ignored by the store, what
had not arrives. `step` is called between any two effects; tests raise there.
"""

from collections.abc import Callable
from pathlib import Path

from ingestion import scores
from ingestion.metrics import UnreadableMetrics, parse, read
from ingestion.otlp import EngineBody, MalformedBody, to_protobuf
from ingestion.pipeline import Pipeline
from ingestion.records import SpanRecord
from ingestion.spool.segment import Frame
from ingestion.store.staging import Staging
from ingestion.store.writer import BatchWriter, IntakeHash
from ingestion.worker.duplicates import Duplicates
from ingestion.worker.files import write_json
from ingestion.worker.intake import Body, Closed, take_in
from ingestion.worker.ledger_rows import batch_rows
from ingestion.worker.plan import Exclusion, Piece, Plan
from ingestion.worker.prepared import Judged, Measured, Prepared
from ingestion.worker.price_file import PriceFile
from ingestion.worker.refusal import StoreRefusesEverything, is_refusal, short
from ingestion.worker.responses import Responses
from ingestion.worker.unfolding import Unfolding

__all__ = ["Procedure"]


class Procedure:
    """Carries out batches, one at a time, and may prepare the next meanwhile, in another thread."""

    def __init__(
        self,
        folder: Path,
        *,
        store: BatchWriter,
        staging: Staging,
        pipeline: Pipeline,
        prices: PriceFile,
        duplicates: Duplicates,
        responses: Responses,
        clock_ns: Callable[[], int],
        step: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.plan_path = folder / "plan.json"
        folders = [folder / "batch" / "one", folder / "batch" / "other"]
        self._billed_path = folder / "batch" / "billed.tsv"
        self._prices_path = folder / "batch" / "prices.tsv"
        for one in folders:
            one.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store = store
        mask = pipeline.redactor.text
        stagings = zip((staging, staging.twin()), folders, strict=True)
        self._unfoldings = [Unfolding(table, at, mask=mask) for table, at in stagings]
        self._free = {0, 1}
        self._pipeline = pipeline
        self._prices = prices
        self._duplicates = duplicates
        self._responses = responses
        self._clock_ns = clock_ns
        self._step = step

    # --- 1. prepare ---

    def prepare(self, plan: Plan, frames: tuple[Frame, ...], *, end_offset: int, decided: bool) -> Prepared:
        """Read what a range holds. `decided`: the plan was on disk, its decisions stand."""
        intake = take_in(frames, place=f"{plan.writer}/{plan.segment}", now_ns=self._clock_ns())
        prepared = Prepared(plan, intake, end_offset)
        if not decided:
            self._exclude_duplicates(prepared)
        self._convert(prepared, decided=decided)
        self._measure(prepared)
        self._judge(prepared)
        if prepared.bodies:
            prepared.unfolding = min(self._free)
            self._free.remove(prepared.unfolding)
            try:
                self._unfoldings[prepared.unfolding].look_over(prepared, decided=decided)
            except BaseException:
                self.discard(prepared)
                raise
        return prepared

    def discard(self, prepared: Prepared) -> None:
        """Give back what a prepared batch holds: it was carried out, or will not be."""
        if prepared.unfolding is not None:
            self._free.add(prepared.unfolding)
            prepared.unfolding = None

    def prepare_final(self, plan: Plan, opens: list[Frame], *, end_offset: int) -> Prepared:
        """Make the batch of a dead writer's open exchanges: they will never close."""
        intake = take_in((), place=plan.writer, now_ns=0)
        intake.exchanges = [Closed(-1, envelope, interrupted=True) for envelope in self._pipeline.opened(opens)]
        return Prepared(plan, intake, end_offset)

    def _exclude_duplicates(self, prepared: Prepared) -> None:
        for body in prepared.intake.bodies:
            envelope = body.envelope
            place = prepared.place(body.position)
            first = self._duplicates.first(envelope.project_id, envelope.body_hash, place, envelope.received_ns)
            if first is None:
                self._duplicates.remember(envelope.project_id, envelope.body_hash, place, envelope.received_ns)
            else:
                detail = f"the same body was accepted before, at {first}"
                prepared.plan.excluded[body.position] = Exclusion("duplicate", max(1, envelope.records), detail)

    def _convert(self, prepared: Prepared, *, decided: bool) -> None:
        excluded = prepared.plan.excluded
        for body in prepared.kept(prepared.intake.traces):
            try:
                otlp = body.envelope.otlp or (to_protobuf(body.envelope.payload) if body.envelope.payload else b"")
            except MalformedBody as error:
                if decided:
                    otlp = b""
                else:
                    excluded[body.position] = Exclusion(
                        "malformed_body", max(1, body.envelope.records), str(error)[:500]
                    )
                    continue
            prepared.bodies.append(_engine_body(body, otlp))

    def _measure(self, prepared: Prepared) -> None:
        """Read the metrics. What is in a body decides alone, so a replay comes to the same."""
        for body in prepared.kept(prepared.intake.metrics):
            envelope = body.envelope
            json = envelope.content_type == "application/json"
            try:
                data = parse(envelope.payload, json=json)
            except UnreadableMetrics as error:
                exclusion = Exclusion("malformed_body", max(1, envelope.records), str(error))
                prepared.plan.excluded[body.position] = exclusion
                continue
            reading = read(data, project_id=envelope.project_id, received_ns=envelope.received_ns)
            prepared.measured.append(Measured(body, reading))

    def _judge(self, prepared: Prepared) -> None:
        """Read the logs for scores. What is in a body decides alone, so a replay comes to the same."""
        for body in prepared.kept(prepared.intake.logs):
            envelope = body.envelope
            try:
                data = scores.parse(envelope.payload, json=envelope.content_type == "application/json")
            except scores.UnreadableLogs as error:
                exclusion = Exclusion("malformed_body", max(1, envelope.records), str(error))
                prepared.plan.excluded[body.position] = exclusion
                continue
            reading = scores.read(
                data,
                project_id=envelope.project_id,
                received_ns=envelope.received_ns,
                body_id=envelope.id,
                mask=self._pipeline.redactor.text,
            )
            prepared.judged.append(Judged(body, reading))

    # --- 2. to 4. ---

    def persist(self, plan: Plan) -> None:
        """Bring a plan to the disk: from here on the batch will be carried out."""
        write_json(self.plan_path, plan.to_json())

    def carry_out(self, prepared: Prepared) -> int:
        """Insert a batch; returns the number of records that it settled. Raises when the store cannot take it now."""
        try:
            return self._insert_all(prepared)
        finally:
            self.discard(prepared)

    def _insert_all(self, prepared: Prepared) -> int:
        plan = prepared.plan
        self._step("planned")
        found = self._pipeline.run_all([(c.envelope, c.interrupted) for c in prepared.intake.exchanges])
        records = self._responses.settle(found)
        self._insert_bodies(prepared)
        self._step("bodies inserted")
        self._insert_exchanges(plan, records)
        self._step("exchanges inserted")
        self._insert_samples(prepared)
        self._step("samples inserted")
        self._insert_scores(prepared)
        self._step("scores inserted")
        drops = prepared.drops()
        self._store.insert_drops(drops, batch_id=plan.batch_id, token=plan.token("drops"))
        self._step("drops inserted")
        self._store.insert_hashes(_hashes(prepared), token=plan.token("intake_hashes"))
        self._step("hashes inserted")
        written = prepared.written()
        now_ns = self._clock_ns()
        rows = batch_rows(plan, written=written, drops=drops, now_ns=now_ns, end_offset=prepared.end_offset)
        self._store.insert_batches(rows, token=plan.token("batches"))
        self._step("batches inserted")
        return sum(row.accepted for row in rows)

    def steps(self) -> dict[str, dict[str, float]]:
        """Return calls, failures and seconds of each step of the pipeline."""
        return {
            name: {"calls": count.calls, "failures": count.failures, "seconds": round(count.seconds, 3)}
            for name, count in self._pipeline.counts.items()
        }

    def _insert_bodies(self, prepared: Prepared) -> None:
        if not prepared.bodies or prepared.unfolding is None:
            return
        priced = self._prices.write(self._prices_path, prepared.survey.usages.values())
        self._responses.write(self._billed_path, prepared.survey.responses, priced=priced)
        unfolding = self._unfoldings[prepared.unfolding]
        prices, billed = self._prices_path, self._billed_path

        def insert(first: int, last: int, token: str) -> None:
            unfolding.insert(prepared, first, last, prices=prices, billed=billed, token=token)

        self._in_pieces(prepared.plan, "otlp", len(prepared.bodies), insert)
        unfolding.clear()

    def _insert_exchanges(self, plan: Plan, records: list[SpanRecord]) -> None:
        def insert(first: int, last: int, token: str) -> None:
            self._store.insert_spans(records[first:last], batch_id=plan.batch_id, token=token)

        self._in_pieces(plan, "spans", len(records), insert)

    def _insert_samples(self, prepared: Prepared) -> None:
        plan = prepared.plan
        samples = [sample for measured in prepared.measured for sample in measured.reading.samples]

        def insert(first: int, last: int, token: str) -> None:
            self._store.insert_gpu_samples(samples[first:last], batch_id=plan.batch_id, token=token)

        self._in_pieces(plan, "gpu_samples", len(samples), insert)

    def _insert_scores(self, prepared: Prepared) -> None:
        plan = prepared.plan
        found = [score for judged in prepared.judged for score in judged.reading.scores]

        def insert(first: int, last: int, token: str) -> None:
            self._store.insert_scores(found[first:last], batch_id=plan.batch_id, token=token)

        self._in_pieces(plan, "scores", len(found), insert)

    def _in_pieces(self, plan: Plan, part: str, count: int, insert: Callable[[int, int, str], None]) -> None:
        """Insert everything at once; what the store refuses is halved until the records at fault stand alone.

        Each halving is on disk before its pieces are tried, so a replay tries the same pieces under the same tokens.
        """
        if not count:
            return
        if part not in plan.pieces:
            try:
                insert(0, count, plan.token(part))
            except Exception as error:
                if not is_refusal(error):
                    raise
                plan.pieces[part] = [(0, count)]
                plan.split(part, (0, count), short(error))
                self.persist(plan)
                self._step(f"{part} split")
            else:
                return
        at = 0
        while at < len(plan.pieces[part]):
            piece: Piece = plan.pieces[part][at]
            try:
                insert(*piece, plan.token(part, piece))
            except Exception as error:
                if not is_refusal(error):
                    raise
                plan.split(part, piece, short(error))
                self.persist(plan)
                self._step(f"{part} split")
            else:
                at += 1
        self._blame(plan, part, count)

    def _blame(self, plan: Plan, part: str, count: int) -> None:
        if 1 < count == len(plan.refused.get(part, {})):
            why = next(iter(plan.refused[part].values()))
            del plan.pieces[part], plan.refused[part]
            self.persist(plan)
            raise StoreRefusesEverything(f"each of {count} records was refused by itself ({why}); nothing was dropped")


def _engine_body(body: Body, otlp: bytes) -> EngineBody:
    envelope = body.envelope
    return EngineBody(
        project_id=envelope.project_id,
        received_ns=envelope.received_ns,
        position=body.position,
        request_id=body.request_id,
        otlp=otlp,
    )


def _hashes(prepared: Prepared) -> list[IntakeHash]:
    return [
        IntakeHash(
            project_id=body.envelope.project_id,
            body_hash=body.envelope.body_hash,
            position=prepared.place(body.position),
            received_ns=body.envelope.received_ns,
        )
        for body in prepared.kept(prepared.intake.bodies)
        if body.envelope.body_hash
    ]
