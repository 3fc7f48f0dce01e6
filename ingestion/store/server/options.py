"""The settings that come with a query, made safe for the engine: names checked, values quoted, only the difference
applied.

A native client sends its settings anew with every query and they hold for that query alone; an engine session keeps
what it was told. So a session remembers what it has, and before a query is told only what differs. Pure.
"""

import re
from collections.abc import Iterable, Mapping

from ingestion.store.server.packets import Option

__all__ = ["SERVER_DEFAULTS", "BadOption", "difference", "identifier", "quoted", "readonly_of", "wanted"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b"})

# What every session starts with. The engine is built as clickhouse-local; these make it behave as a server that must
# be frugal.
SERVER_DEFAULTS: Mapping[str, str] = {
    "implicit_select": "0",  # `nonsense` is a syntax error, not SELECT nonsense
    "async_insert": "0",  # an acknowledged insert is in a part, not in a buffer that a kill empties
    "max_insert_threads": "1",
    "min_insert_block_size_bytes": "67108864",  # 256 MB by default: four times the peak memory of a bulk insert
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "storage_file_read_method": "pread",  # a file that shrinks while it is mapped would end the process
}


# Servers that are clients send this one, off, and it cannot be told to a session.
_PER_QUERY = frozenset({"run_query_in_background"})


class BadOption(Exception):  # noqa: N818
    """A setting that cannot be passed to the engine; the message names it."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def quoted(value: str) -> str:
    """Return a string literal of ClickHouse's SQL."""
    return f"'{value.translate(_ESCAPES)}'"


def identifier(name: str) -> str:
    """Return a name of a database, table or column as ClickHouse's SQL quotes it."""
    return "`{}`".format(name.translate(_ESCAPES).replace("`", "\\`"))


def wanted(options: Iterable[Option], known: Mapping[str, str]) -> dict[str, str]:
    """Return the settings to apply: a name that is no name is refused, one that is unknown is refused if it is
    important.
    """
    result: dict[str, str] = {}
    for option in options:
        if not _NAME.fullmatch(option.name):
            raise BadOption(f"setting {option.name[:80]!r}: not a name of a setting", 115)
        if option.name in _PER_QUERY:
            continue
        if option.name not in known:
            if option.important:
                raise BadOption(f"Unknown setting {option.name!r}", 115)
            continue
        result[option.name] = option.value
    return result


def readonly_of(settings: dict[str, str]) -> bool:
    """Take `readonly` out of the settings and return whether this query may only read.

    The engine's own `readonly` cannot be taken back once it is set, so sessions come in two kinds and this chooses one.
    """
    value = settings.pop("readonly", "0")
    if value not in {"0", "1", "2"}:
        raise BadOption(f"setting readonly = {value[:80]!r}: expected 0, 1 or 2", 36)
    return value != "0"


def difference(have: Mapping[str, str], want: Mapping[str, str], defaults: Mapping[str, str] = SERVER_DEFAULTS) -> str:
    """Return the SET statement that turns what a session has into what a query wants, or ''. Values travel as
    literals.
    """
    changes = [f"{name} = {quoted(value)}" for name, value in want.items() if have.get(name) != value]
    changes += [
        f"{name} = {quoted(defaults[name]) if name in defaults else 'DEFAULT'}" for name in have if name not in want
    ]
    return f"SET {', '.join(changes)}" if changes else ""
