"""Deduplication tokens of parts that never came to be are forgotten before the engine opens.

The engine notes a block's token in `deduplication_logs/` and then puts its part in place. Killed in between, it would
take the repeated insert for one that it has, and the rows would be missing for good. A token whose part is not there,
neither by itself nor merged into another, is such a one; a token of a part that was dropped since is never asked for.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["forget_lost_tokens", "lost"]

_PART = re.compile(r"([0-9A-Za-z-]+)_(\d+)_(\d+)_\d+(?:_\d+)?")  # partition, first and last block, level, mutation
_ADDED = b"1"


def lost(lines: Iterable[bytes], parts: Iterable[str]) -> list[bytes]:
    """Return the lines of a log that name a part which nothing among `parts` covers. Pure."""
    there: dict[str, list[tuple[int, int]]] = {}
    for name in parts:
        if found := _PART.fullmatch(name):
            there.setdefault(found[1], []).append((int(found[2]), int(found[3])))
    missing = []
    for line in lines:
        operation, _, rest = line.partition(b"\t")
        found = _PART.fullmatch(rest.partition(b"\t")[0].decode("ascii", "replace"))
        if operation != _ADDED or found is None:
            continue  # nothing that we know how to judge
        first, last = int(found[2]), int(found[3])
        if not any(begin <= first and last <= end for begin, end in there.get(found[1], ())):
            missing.append(line)
    return missing


def forget_lost_tokens(directory: Path) -> int:
    """Look through the tables of a data directory that no engine has open; returns how many tokens were forgotten."""
    forgotten = 0
    for log in sorted(directory.glob("store/*/*/deduplication_logs/deduplication_log_*.txt")):
        lines = log.read_bytes().splitlines(keepends=True)
        gone = set(lost((line.rstrip(b"\n") for line in lines), os.listdir(log.parents[1])))
        if not gone:
            continue
        kept = [line for line in lines if line.rstrip(b"\n") not in gone]
        draft = log.with_suffix(".draft")  # not a name that the engine reads
        draft.write_bytes(b"".join(kept))
        draft.replace(log)
        forgotten += len(gone)
    return forgotten
