"""Canonical messages: previews, tool arguments, images."""

import pytest

from ingestion import messages as m


def test_the_preview_is_the_last_message_of_its_role_in_one_line():
    talk = [
        m.message("system", [m.text("rules")]),
        m.message("user", [m.text("first")]),
        m.message("assistant", [m.text("answer")]),
        m.message("user", [m.text(" second\n\n line "), m.media("https://example.com/a", modality="image")]),
        m.message("tool", [m.tool_response(call_id="c", response={"a": 1})]),
    ]
    assert m.preview(talk, role="user") == "second line [image]"
    assert m.preview(talk) == '{"a":1}'
    assert m.preview(talk[:1], role="user") == "rules"
    assert m.preview([]) == ""


def test_a_preview_is_short():
    long = m.preview([m.message("user", [m.text("word " * 1000)])])
    assert len(long) == m.PREVIEW_CHARS
    assert long.endswith("…")


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [('{"a": 1}', {"a": 1}), ("[1]", [1]), ('{"a": ', '{"a": '), ("plain", "plain"), ("", ""), ({"a": 1}, {"a": 1})],
)
def test_arguments_that_are_json_are_what_they_say(arguments, kept):
    assert m.tool_call(call_id="c", name="f", arguments=arguments)["arguments"] == kept


def test_media():
    assert m.media("https://example.com/a.png", modality="image")["type"] == "uri"
    data = m.media("data:image/png;base64,AAAA", modality="image")
    assert (data["type"], data["mime_type"], data["content"]) == ("blob", "image/png", "AAAA")
    assert m.media("data:,x", modality="image")["mime_type"] == "text/plain"
