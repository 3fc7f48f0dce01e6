"""The text format, fed whole, cut anywhere, wrong and huge."""

from pathlib import Path

import pytest
from spanmeter.gpu.prometheus import LARGEST_PAGE, parse

PAGES = sorted((Path(__file__).parent / "pages").glob("*.txt"))


def test_names_labels_values_and_times() -> None:
    """What a line may hold."""
    page = parse(
        b'# HELP x y\n# TYPE x counter\nx 1\nx{a="1",b="two, {three}"} 2.5e3 1700000000000\n'
        b'x{a="q\\"b\\\\s\\nn",} +Inf\n  y{ a = "1" }  -.5  \nz{} 3\n'
    )
    assert [(s.name, s.labels, s.value) for s in page.samples] == [
        ("x", {}, 1.0),
        ("x", {"a": "1", "b": "two, {three}"}, 2500.0),
        ("x", {"a": 'q"b\\s\nn'}, float("inf")),
        ("y", {"a": "1"}, -0.5),
        ("z", {}, 3.0),
    ]
    assert (page.malformed, page.cut_off) == (0, False)


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "x{",
        'x{a="1" 2',
        "x{a=1} 2",
        'x{a="1",a="2"} 3',
        "x one",
        "9x 1",
        "x 1_000",
        "<html>",
        'x{a="\\q"} 1',
        "x 0x10",
    ],
)
def test_a_malformed_line_is_skipped_and_counted(line: str) -> None:
    """Its neighbours stand."""
    page = parse(f"a 1\n{line}\nb 2\n".encode())
    assert [s.name for s in page.samples] == ["a", "b"]
    assert page.malformed == 1


def test_not_a_number_is_no_sample() -> None:
    """NaN says that there is no value: neither zero nor an error."""
    page = parse(b"a NaN\nb 1\n")
    assert [s.name for s in page.samples] == ["b"]
    assert (page.nan, page.malformed) == (1, 0)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_cut_anywhere_invents_nothing(path: Path) -> None:
    """Every sample of a cut page is a sample of the whole page: half a number is never believed."""
    content = path.read_bytes()
    whole = [(s.name, tuple(s.labels.items()), s.value) for s in parse(content).samples]
    for end in range(0, len(content), 7):
        page = parse(content[:end], complete=False)
        found = [(s.name, tuple(s.labels.items()), s.value) for s in page.samples]
        assert found == whole[: len(found)]


def test_ten_megabytes_and_more_are_bounded() -> None:
    """A page without end costs a bounded time and memory, and says that it was cut."""
    line = b'padding{label="' + b"x" * 1000 + b'"} 1\n'
    page = parse(b"first 1\n" + line * (LARGEST_PAGE // len(line) + 2000))
    assert page.cut_off
    assert page.samples[0].name == "first"
    assert len(page.samples) < 200_001
    assert parse(b"\xff\xfe\x00" * 1000).samples == ()
