"""The executor: tags and limits, and reads side by side."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from apps.analytics.run import Reads, UntaggedRead
from apps.analytics.statement import Statement
from ingestion.store.client import QueryFailed


class Recorder:
    """A reader that remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def rows(
        self, sql: str, values: Mapping[str, Any], /, *, comment: str, settings: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        self.asked.append((comment, settings))
        return []


def test_every_read_says_which_it_is_and_how_long_it_may_take() -> None:
    recorder = Recorder()
    Reads(recorder, seconds=7).rows(Statement("SELECT 1", {}, "overview.totals"))
    Reads(recorder, seconds=7).rows(Statement("SELECT 1", {}, "overview.totals"), seconds=2)
    assert [comment for comment, _ in recorder.asked] == ["spanmeter:overview.totals"] * 2
    assert [settings["max_execution_time"] for _, settings in recorder.asked] == [7, 2]


@pytest.mark.parametrize("tag", ["", " ", "Überblick", "a b"])
def test_a_read_without_a_tag_is_refused(tag: str) -> None:
    with pytest.raises(UntaggedRead):
        Reads(Recorder()).rows(Statement("SELECT 1", {}, tag))


class Meeting:
    """A reader whose reads end only when all of them have begun; one of them may fail."""

    def __init__(self, reads: int, *, failing: str = "") -> None:
        self.met = threading.Barrier(reads, timeout=20)
        self.failing = failing
        self.ended: list[str] = []

    def rows(
        self, sql: str, values: Mapping[str, Any], /, *, comment: str, settings: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        self.met.wait()
        self.ended.append(sql)
        if sql == self.failing:
            raise QueryFailed(159, "Timeout exceeded")
        return [(sql, values["v0"], comment, settings["max_execution_time"])]


def test_reads_of_one_page_go_side_by_side_and_keep_their_order() -> None:
    statements = [Statement(f"SELECT {number}", {"v0": number}, f"page.read_{'abc'[number]}") for number in range(3)]
    found = Reads(Meeting(3), seconds=7).together(*statements)
    assert [rows[0] for rows in found] == [
        ("SELECT 0", 0, "spanmeter:page.read_a", 7),
        ("SELECT 1", 1, "spanmeter:page.read_b", 7),
        ("SELECT 2", 2, "spanmeter:page.read_c", 7),
    ]


def test_what_one_read_of_a_page_says_is_said_by_all_and_none_is_left_behind() -> None:
    meeting = Meeting(3, failing="SELECT 1")
    statements = [Statement(f"SELECT {number}", {"v0": number}, "page.read") for number in range(3)]
    with pytest.raises(QueryFailed, match="Timeout exceeded"):
        Reads(meeting).together(*statements)
    assert sorted(meeting.ended) == ["SELECT 0", "SELECT 1", "SELECT 2"]
    with pytest.raises(UntaggedRead):
        Reads(Recorder()).together(Statement("SELECT 1", {}, "page.read"), Statement("SELECT 1", {}, ""))
