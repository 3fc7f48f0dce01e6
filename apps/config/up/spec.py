"""What to run and how to know that it is ready: values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Alive", "FileLocked", "HttpAnswers", "PortAccepts", "Probe", "ProcessSpec"]


@dataclass(frozen=True, slots=True)
class PortAccepts:
    """Ready when a connection is accepted."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class HttpAnswers:
    """Ready when GET answers with a status below 500: a host name that is not allowed is an answer too."""

    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class FileLocked:
    """Ready when the process holds a lock on this file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Alive:
    """Ready as soon as it runs."""


Probe = PortAccepts | HttpAnswers | FileLocked | Alive


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One program.

    `after` names those that must be ready (a step: finished) before it starts; the lowest `stop_stage` stops first.
    One that `may_be_cut_off` is ended after its bound without a word. A `nice` one yields the processor to the others.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    probe: Probe = field(default_factory=Alive)
    after: tuple[str, ...] = ()
    step: bool = False
    stop_stage: int = 0
    stop_seconds: float = 10.0
    may_be_cut_off: bool = False
    nice: int = 0
