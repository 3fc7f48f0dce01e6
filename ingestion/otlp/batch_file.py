"""Batch files: messages of ingestion/conventions/engine.proto, each behind its length, for the engine to read."""

import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from ingestion.envelope import encode_varint

__all__ = ["EngineBody", "write_batch"]

_MOST_VECTORS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineBody:
    """One OTLP body (protobuf) with what its rows must know beside it."""

    project_id: int
    received_ns: int
    position: int
    request_id: str
    otlp: bytes


def write_batch(folder: Path, bodies: Sequence[EngineBody], *, batch_id: int) -> Path:
    """Write a batch anew, as two files of about the same size that two threads can read; returns the pattern of their
    names. They need not survive a crash: the plan and the spool can make them again.
    """
    sizes = list(accumulate(len(body.otlp) for body in bodies))
    middle = bisect_left(sizes, sizes[-1] / 2) + 1 if sizes else 0
    for number, part in enumerate((bodies[:middle], bodies[middle:])):
        _write(folder / f"bodies-{number}.bin", part, batch_id)
    return folder / "bodies-{0,1}.bin"


def _write(path: Path, bodies: Sequence[EngineBody], batch_id: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        parts: list[bytes] = []
        for body in bodies:
            parts += _parts(body, batch_id)
            if len(parts) >= _MOST_VECTORS:
                _write_all(descriptor, parts)
                parts = []
        _write_all(descriptor, parts)
    finally:
        os.close(descriptor)


def _parts(body: EngineBody, batch_id: int) -> list[bytes]:
    request_id = body.request_id.encode()
    head = b"".join(
        (
            b"\x08" + encode_varint(body.project_id),
            b"\x10" + encode_varint(body.received_ns),
            b"\x18" + encode_varint(batch_id),
            b"\x20" + encode_varint(body.position),
            b"\x32" + encode_varint(len(request_id)) + request_id,
            b"\x2a" + encode_varint(len(body.otlp)),
        )
    )
    return [encode_varint(len(head) + len(body.otlp)) + head, body.otlp]


def _write_all(descriptor: int, parts: list[bytes]) -> None:
    left: list[bytes | memoryview] = list(parts)
    while left:
        done = os.writev(descriptor, left[:_MOST_VECTORS])
        while left and done >= len(left[0]):
            done -= len(left[0])
            left.pop(0)
        if done:
            left[0] = memoryview(left[0])[done:]
