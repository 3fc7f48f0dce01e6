"""Every span appears exactly once, whatever its parents claim."""

import random
from dataclasses import dataclass

from apps.traces.tree import Node, arrange


@dataclass(frozen=True)
class Span:
    """As little as a tree needs."""

    span_id: str
    parent_span_id: str = ""


def rows(*spans: Span) -> list[tuple[str, int]]:
    """(id, depth) in reading order."""
    return [(spans[node.at].span_id, node.depth) for node in arrange(spans)]


def problems(*spans: Span) -> dict[str, str]:
    """What is wrong, by id."""
    return {spans[node.at].span_id: node.problem for node in arrange(spans) if node.problem}


def test_children_follow_their_parent_in_the_order_given() -> None:
    spans = (Span("a"), Span("b", "a"), Span("c", "a"), Span("d", "b"))
    assert rows(*spans) == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]
    assert arrange(spans)[0] == Node(at=0, depth=0, children=2)


def test_a_parent_may_come_later_than_its_child() -> None:
    assert rows(Span("b", "a"), Span("a")) == [("a", 0), ("b", 1)]


def test_a_missing_parent_makes_a_root_that_says_so() -> None:
    assert rows(Span("a", "gone"), Span("b", "a")) == [("a", 0), ("b", 1)]
    assert problems(Span("a", "gone")) == {"a": "its parent gone is not in this trace"}


def test_circles_are_cut_once() -> None:
    spans = (Span("below", "x"), Span("x", "z"), Span("y", "x"), Span("z", "y"), Span("root"))
    assert sorted(rows(*spans)) == [("below", 1), ("root", 0), ("x", 0), ("y", 1), ("z", 2)]
    assert problems(*spans) == {"x": "its parents form a circle"}
    assert problems(Span("me", "me")) == {"me": "this span names itself as its parent"}


def test_twins_are_both_shown() -> None:
    spans = (Span("a"), Span("t", "a"), Span("t", "a"), Span("c", "t"))
    assert rows(*spans) == [("a", 0), ("t", 1), ("c", 2), ("t", 1)]
    assert problems(*spans) == {"t": "another span of this trace has the id t"}


def test_a_deep_chain_needs_no_deep_stack() -> None:
    spans = [Span("0"), *(Span(str(index), str(index - 1)) for index in range(1, 5_000))]
    assert arrange(spans)[-1].depth == 4_999


def test_any_parentage_shows_every_span_once() -> None:
    chance = random.Random(3)
    for _ in range(200):
        ids = [str(chance.randint(0, 12)) for _ in range(12)]
        spans = [Span(span_id, chance.choice([*ids, "", "gone"])) for span_id in ids]
        nodes = arrange(spans)
        assert sorted(node.at for node in nodes) == list(range(12))
        assert sum(node.children for node in nodes) + sum(node.depth == 0 for node in nodes) == 12
