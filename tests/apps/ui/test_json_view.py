"""JSON is indented without changing a digit; what is not JSON stays as it came; markup in it stays text."""

from apps.ui.json_view import COLOUR_LIMIT, indented, tokens_of
from apps.ui.templatetags.ui import pretty_json


def test_numbers_keep_their_digits() -> None:
    assert indented('{"a":1.10,"b":12345678901234567890,"c":1e5,"d":NaN}') == (
        '{\n  "a": 1.10,\n  "b": 12345678901234567890,\n  "c": 1e5,\n  "d": NaN\n}'
    )


def test_pieces_have_kinds() -> None:
    assert [piece for piece in tokens_of('{"k": "v", "n": 1, "t": true}') if piece[0]] == [
        ("key", '"k"'),
        ("str", '"v"'),
        ("key", '"n"'),
        ("num", "1"),
        ("key", '"t"'),
        ("word", "true"),
    ]


def test_what_is_not_json_stays_as_it_came() -> None:
    assert list(tokens_of("data: {")) == [("", "data: {")]
    assert list(tokens_of("[" * 100_000)) == [("", "[" * 100_000)]


def test_a_huge_body_is_not_coloured() -> None:
    text = '["' + "x" * COLOUR_LIMIT + '"]'
    assert [kind for kind, _ in tokens_of(text)] == [""]


def test_markup_stays_text() -> None:
    shown = pretty_json('{"<script>": "</pre><img src=x onerror=alert(1)>"}')
    assert "<script>" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown
