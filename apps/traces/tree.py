"""Spans of one trace → rows in reading order, each with its depth.

Pure. Broken parentage (missing parents, cycles, twin ids) is shown and said, never lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

__all__ = ["Node", "Placed", "arrange"]


class Placed(Protocol):
    """What a span needs so that it can be placed."""

    @property
    def span_id(self) -> str:
        """Id, meant to be unique in the trace."""

    @property
    def parent_span_id(self) -> str:
        """Id of the parent, empty for a root."""


S = TypeVar("S", bound=Placed)


@dataclass(frozen=True, slots=True)
class Node:
    """One row.

    `at` is the span's place in the sequence that was given; `problem` says what is wrong with its parentage.
    """

    at: int
    depth: int
    children: int
    problem: str = ""


def arrange(spans: Sequence[S]) -> tuple[Node, ...]:
    """Return each span exactly once, parents before children, siblings in the order given (callers sort by start)."""
    first: dict[str, int] = {}
    problems: dict[int, str] = {}
    for at, span in enumerate(spans):
        if span.span_id in first:
            problems[at] = f"another span of this trace has the id {span.span_id}"
        else:
            first[span.span_id] = at
    children: dict[int, list[int]] = {}
    roots: list[int] = []
    for at, span in enumerate(spans):
        parent = first.get(span.parent_span_id) if span.parent_span_id else None
        if parent is None or parent == at:
            roots.append(at)
            if parent == at:
                problems[at] = "this span names itself as its parent"
            elif span.parent_span_id:
                problems[at] = f"its parent {span.parent_span_id} is not in this trace"
        else:
            children.setdefault(parent, []).append(at)
    nodes = _walk(roots, children, problems)
    seen = {node.at for node in nodes}
    for at in range(len(spans)):
        # What no root leads to lies in a cycle, or below one: one span of the cycle is taken as a root.
        if at not in seen:
            top = _in_cycle(at, spans, first)
            problems[top] = "its parents form a circle"
            loop = _walk([top], children, problems, seen=seen)
            nodes += loop
            seen |= {node.at for node in loop}
    return tuple(nodes)


def _in_cycle(at: int, spans: Sequence[S], first: dict[str, int]) -> int:
    passed: set[int] = set()
    while at not in passed:
        passed.add(at)
        at = first[spans[at].parent_span_id]
    return min(_cycle(at, spans, first))


def _cycle(at: int, spans: Sequence[S], first: dict[str, int]) -> list[int]:
    members = [at]
    while (up := first[spans[members[-1]].parent_span_id]) != at:
        members.append(up)
    return members


def _walk(
    roots: Sequence[int], children: dict[int, list[int]], problems: dict[int, str], *, seen: set[int] | None = None
) -> list[Node]:
    visited = set(seen or ())
    nodes: list[Node] = []
    places: dict[int, int] = {}
    stack = [(at, 0, -1) for at in reversed(roots)]
    while stack:
        at, depth, parent = stack.pop()
        if at in visited:
            continue
        visited.add(at)
        places[at] = len(nodes)
        nodes.append(Node(at=at, depth=depth, children=0, problem=problems.get(at, "")))
        if parent in places:
            nodes[places[parent]] = replace(nodes[places[parent]], children=nodes[places[parent]].children + 1)
        stack.extend((child, depth + 1, at) for child in reversed(children.get(at, ())))
    return nodes
