"""OTLP bodies on their way into `spans`: unfolded by an engine into a table in memory, looked over, priced, inserted.

The staging table is a scratch: it is filled anew for every batch, so its loss costs nothing. It has a database of its
own, apart from the schema, and a name per installation, so that two of them may share one server.
"""

import hashlib
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ingestion.store.client import QueryFailed, Writer
from ingestion.store.decoder import Decoder
from ingestion.store.otlp.statement import (
    INSERTED,
    ONE_SORTED_BLOCK,
    SETTINGS,
    create_statement,
    insert_statement,
    relay_statement,
    responses_statement,
    stage_statement,
    survey_statement,
    unforeseen_statement,
    usages_statement,
)
from ingestion.store.otlp.traits import NOTHING, Traits
from ingestion.store.writer import ONE_BLOCK

__all__ = ["BodySurvey", "Staging", "Survey", "Usage"]

_DATABASE = "ingest"
_NEVER = "spanmeter masks nothing"  # an array of patterns must not be empty
_UNKNOWN = {60, 81}  # UNKNOWN_TABLE, UNKNOWN_DATABASE


@dataclass(frozen=True, slots=True)
class BodySurvey:
    """What a batch file holds at one position."""

    spans: int
    malformed: int
    nested: bool
    masked: bool  # something in it may have to be masked
    samples: tuple[str, ...]


class Usage(NamedTuple):
    """What a billable span used, with everything that its price depends on. `key` is the engine's hash of the rest."""

    key: int
    provider: str
    model: str
    model_requested: str
    minute: int  # since 1970
    tier: str
    speed: str
    reported: str
    buckets: tuple[str, ...]
    amounts: tuple[int, ...]

    @property
    def reported_cost(self) -> Decimal | None:
        """What the exporter says it cost, None when that is no amount of money."""
        try:
            cost = Decimal(self.reported)
        except ArithmeticError:
            return None
        return cost if cost.is_finite() and 0 <= cost < 1_000_000 else None


@dataclass(frozen=True, slots=True)
class Survey:
    """What must be known of a batch file before its rows are made."""

    bodies: dict[int, BodySurvey]
    usages: dict[int, Usage]  # by key: each distinct thing that must be priced
    responses: frozenset[tuple[int, str, int]]  # project, name and usage's key of calls that the gateway may have seen


class Staging:
    """One installation's staging table, in the store that holds `spans` where that can read our files, else in an
    engine of our own.
    """

    def __init__(
        self,
        store: Writer,
        home: Path,
        *,
        schema: Path,
        patterns: Sequence[str] = (),
        decoder: Decoder | None = None,
    ) -> None:
        """`patterns`: of what must be masked, matched generously; who masks looks again.

        `decoder`: where the table is, when the store cannot read our files.
        """
        self._store = store
        self._decoder = decoder
        self._client = decoder or store
        self._patterns = list(patterns)
        self._always = False
        self._table = f"{_DATABASE}.spans_{hashlib.blake2b(str(home).encode(), digest_size=8).hexdigest()}"
        self._reading = {**SETTINGS, "format_schema": f"{schema}:Body"}
        self._made = False
        self._traits = NOTHING

    def twin(self) -> "Staging":
        """Return another staging table in the same engine, for a batch that is unfolded while this one is inserted."""
        other = copy(self)
        other._table = f"{self._table}_ahead"
        return other

    def stage(self, file: Path) -> None:
        """Fill the table from batch files. Raises what the engine says of a body that is no protobuf."""
        if not self._made:
            self._make(file)
        try:
            self._fill(file)
        except QueryFailed as error:
            if error.code not in _UNKNOWN:
                raise
            self._make(file)
            self._fill(file)

    def _make(self, file: Path) -> None:
        # Made anew by each process: another version of this program may have other columns. In one step, because what a
        # killed process asked for last may still be under way.
        empty = file.with_name("empty.bin")
        empty.write_bytes(b"")
        self._client.command(f"CREATE DATABASE IF NOT EXISTS {_DATABASE}")
        self._client.command(f"TRUNCATE TABLE IF EXISTS {self._table}")  # what is replaced is kept for minutes
        self._client.command(create_statement(self._table), {"file": str(empty)}, settings=self._reading)
        try:
            self._client.rows("SELECT multiMatchAny('', %(patterns)s)", {"patterns": self._given()})
        except QueryFailed:
            self._always, self._patterns = True, []  # a pattern of one's own that the engine cannot say
        self._made = True

    def _given(self) -> list[str]:
        return self._patterns or [_NEVER]

    def _fill(self, file: Path) -> None:
        while True:
            self._client.command(f"TRUNCATE TABLE {self._table}")
            sql = stage_statement(self._table, self._traits)
            self._client.command(sql, {"file": str(file)}, settings=self._reading)
            unforeseen = frozenset(self._client.rows(unforeseen_statement(self._table))[0][0])
            if not unforeseen - self._traits.seen:
                return
            self._traits = Traits(self._traits.seen | unforeseen)

    def survey(self) -> Survey:
        """Look over what is staged."""
        given = {"patterns": self._given(), "always": int(self._always)}
        rows = self._client.rows(survey_statement(self._table), given)
        usages = (Usage(*row) for row in self._client.rows(usages_statement(self._table)))
        responses = self._client.rows(responses_statement(self._table))
        return Survey(
            bodies={
                position: BodySurvey(spans, malformed, bool(nested), bool(masked), tuple(samples))
                for position, spans, malformed, nested, samples, masked in rows
            },
            usages={usage.key: usage for usage in usages},
            responses=frozenset((project_id, response, key) for project_id, response, key in responses),
        )

    def insert(
        self, first: int, last: int, *, batch_id: int, spans: int, prices: Path, billed: Path, token: str
    ) -> None:
        """Insert the valid spans that stand at these positions, priced by the rows of a price file.

        `spans`: how many of the batch are staged, valid or not. Raises when there are not so many: stage again then.
        """
        given = {
            "first": first,
            "last": last,
            "batch": batch_id,
            "spans": spans,
            "prices": str(prices),
            "billed": str(billed),
        }
        decoder = self._decoder
        if decoder is None:
            settings = {**ONE_BLOCK, **ONE_SORTED_BLOCK}
            self._store.command(insert_statement(self._table), given, token=token, settings=settings)
            return

        def make(columns: list[tuple[str, str]]) -> Iterable[bytes]:
            return decoder.blocks(relay_statement(self._table, columns), given, settings=ONE_SORTED_BLOCK)

        self._store.relay("spans", INSERTED, make, token=token, settings=ONE_BLOCK)

    def clear(self) -> None:
        """Give the memory back."""
        if self._made:
            self._client.command(f"TRUNCATE TABLE IF EXISTS {self._table}")
