"""The values of the Envelope contract (ingestion/envelope.proto). Knows no bytes: encode.py and decode.py beside it
do.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

__all__ = ["CorruptFrame", "Envelope", "Exchange", "Headers", "Kind", "Outcome", "Peek"]

Headers = tuple[tuple[bytes, bytes], ...]


class CorruptFrame(ValueError):  # noqa: N818 - the name is part of the contract
    """These bytes are not an Envelope: the checksum or the framing inside is wrong."""


class Kind(IntEnum):
    """What an envelope holds. Numbers of a later version read as UNKNOWN."""

    UNKNOWN = 0
    OPEN = 1
    CLOSE = 2
    TRACES = 3
    LOGS = 4
    METRICS = 5
    LOSS = 6
    LANGFUSE = 7
    MANUAL_LOG = 8

    @classmethod
    def _missing_(cls, value: object) -> "Kind":
        return cls.UNKNOWN


class Outcome(IntEnum):
    """How an exchange ended."""

    UNKNOWN = 0
    COMPLETE = 1
    CLIENT_GONE = 2
    UPSTREAM_BROKE = 3
    UPSTREAM_TIMEOUT = 4
    UPSTREAM_UNREACHABLE = 5
    SHUTDOWN = 6

    @classmethod
    def _missing_(cls, value: object) -> "Outcome":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request to a provider and its answer; envelope.proto says what each field means."""

    provider: str = ""
    method: str = ""
    url: str = ""
    request_headers: Headers = ()
    request_body: bytes = b""
    request_bytes: int = 0
    status: int = 0
    response_headers: Headers = ()
    response_body: bytes = b""
    response_bytes: int = 0
    started_ns: int = 0
    sent_after_ns: int = 0
    first_byte_after_ns: int = 0
    first_body_after_ns: int = 0
    ended_after_ns: int = 0
    outcome: Outcome = Outcome.UNKNOWN
    outcome_detail: str = ""
    marks: tuple[int, ...] = ()
    client_address: str = ""
    response_gap_at: int = 0
    response_gap_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One frame of the spool."""

    kind: Kind
    project_id: int = 0
    received_ns: int = 0
    id: bytes = b""
    records: int = 0
    key_id: int = 0
    body_hash: bytes = b""
    content_type: str = ""
    exchange: Exchange | None = None
    otlp: bytes = b""
    payload: bytes = b""
    loss_reason: str = ""
    headers: Headers = ()


class Peek(NamedTuple):
    """What planning a batch needs to know of a frame, read without touching its bodies."""

    kind: Kind
    project_id: int
    received_ns: int
    id: bytes
    records: int
    body_hash: bytes
