"""An INSERT whose rows come from a client: which columns to ask it for, and where the rows wait until they are all
here.

They wait in a nameless file in the data directory, and the engine reads that once the client has said that it is
done. So an insert that breaks off has never begun, a large one costs no memory while it arrives, and a failure at the
very end is told: the engine's streaming insert of chDB 4.4 (`send_insert`) answers that rows were written which a
constraint, a view or a full disk has kept out.
"""

import tempfile

from ingestion.store.server.columns import shape_of
from ingestion.store.server.engine import EngineSession
from ingestion.store.server.options import identifier, quoted
from ingestion.store.server.statements import Insert
from ingestion.store.server.wire import ProtocolError

__all__ = ["Insertion", "Refused"]

_NO_SUCH_COLUMN = 16
_NO_SPACE = 243
_NOT_ASKED_FOR = frozenset({"MATERIALIZED", "ALIAS", "EPHEMERAL"})


class Refused(Exception):  # noqa: N818
    """A statement that the store does not serve, with ClickHouse's code for it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Insertion:
    """One INSERT that is arriving. Ends with `finish` or `cancel`."""

    def __init__(self, session: EngineSession, insert: Insert, *, directory: str) -> None:
        described = [[str(value) for value in row] for row in session.rows(f"DESCRIBE TABLE {insert.target}")]
        self.columns = _columns(insert, described)
        self.rows = 0
        self.session = session
        self._insert = insert
        self._block = 0
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115

    def start_block(self, rows: int) -> None:
        """A block of so many rows begins."""
        self._block = rows

    def feed(self, piece: bytes) -> None:
        """Take the next piece of it. A block without rows is only a header and is not kept."""
        if not self._block:
            return
        view = memoryview(piece)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise Refused(_NO_SPACE, f"the rows of this insert cannot be kept: {error.strerror}") from None

    def end_block(self) -> None:
        """The block is whole."""
        self.rows += self._block
        self._block = 0

    def finish(self) -> None:
        """Insert what has arrived."""
        with self._file:
            if self.rows:
                structure = ", ".join(f"{identifier(name)} {kind}" for name, kind in self.columns)
                source = f"file('/proc/self/fd/{self._file.fileno()}', Native, {quoted(structure)})"
                self.session.run(f"{self._insert.head} SELECT * FROM {source}")

    def cancel(self) -> None:
        """Forget it."""
        self._file.close()


def _columns(insert: Insert, described: list[list[str]]) -> list[tuple[str, str]]:
    """Return name and type of the columns that the client shall send, or refuse before it has sent any."""
    types = {row[0]: row[1] for row in described}
    names = insert.columns or [row[0] for row in described if row[2] not in _NOT_ASKED_FOR]
    for name in names:
        if name not in types:
            raise Refused(_NO_SUCH_COLUMN, f"No such column {name} in table {insert.target}")
        try:
            shape_of(types[name])
        except ProtocolError as error:
            raise Refused(error.code, f"column {name}: {error}") from None
    return [(name, types[name]) for name in names]
