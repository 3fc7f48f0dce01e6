"""What was said, in every dialect, cut and broken; pictures only when their bytes are in the record."""

import json
from typing import Any

import pytest

from apps.traces.conversation import Message, read_conversation
from apps.traces.parts import FOLD_CHARACTERS, Part, parts_of

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def said(value: Any, *, output: Any = "") -> tuple[Message, ...]:
    """The messages of an input and an output."""
    texts = [value if isinstance(value, str) else json.dumps(value) for value in (value, output)]
    return read_conversation(texts[0], texts[1]).messages


def kinds(messages: tuple[Message, ...]) -> list[tuple[str, list[str]]]:
    """(role, kinds of parts)."""
    return [(message.role, [part.kind for part in message.parts]) for message in messages]


def test_canonical_messages() -> None:
    messages = said(
        [
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "hm"},
                    {"type": "tool_call", "id": "c1", "name": "find", "arguments": {"q": 1}},
                ],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"hits": 2}}]},
        ],
        output=[{"role": "assistant", "parts": [{"type": "text", "content": "Two."}], "finish_reason": "length"}],
    )
    assert kinds(messages) == [
        ("system", ["text"]),
        ("user", ["text"]),
        ("assistant", ["reasoning", "tool_call"]),
        ("tool", ["tool_result"]),
        ("assistant", ["text"]),
    ]
    call = messages[2].parts[1]
    assert (call.name, call.call_id, json.loads(call.text)) == ("find", "c1", {"q": 1})
    assert messages[4].note == "length"
    assert [message.said for message in messages] == ["input"] * 4 + ["output"]


def test_chat_completions_as_sent_and_answered() -> None:
    request = {
        "model": "m",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                ],
            },
        ],
    }
    answer = {
        "choices": [
            {
                "message": {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1'}}],
                }
            }
        ]
    }
    messages = said(request, output=answer)
    assert kinds(messages) == [("system", ["text"]), ("user", ["text", "link"]), ("assistant", ["tool_call"])]
    assert messages[2].parts[0].text == '{"a": 1'


def test_anthropic_messages_and_responses_items() -> None:
    anthropic = {
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t",
                        "content": [{"type": "text", "text": "gone"}],
                        "is_error": True,
                    }
                ],
            }
        ],
    }
    messages = said(
        anthropic,
        output={
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "…"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {}},
            ],
        },
    )
    assert kinds(messages) == [
        ("system", ["text"]),
        ("user", ["tool_result"]),
        ("assistant", ["reasoning", "tool_call"]),
    ]
    assert messages[1].parts[0].is_error
    responses = {
        "output": [
            {"type": "reasoning", "summary": []},
            {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
        ]
    }
    assert kinds(said("q", output=responses)) == [
        ("user", ["text"]),
        ("assistant", ["reasoning"]),
        ("assistant", ["tool_call"]),
        ("assistant", ["text"]),
    ]


def test_plain_text_lists_and_values() -> None:
    assert kinds(said("Hello", output="Hi")) == [("user", ["text"]), ("assistant", ["text"])]
    assert kinds(said(["one", "two"])) == [("user", ["text", "text"])]
    assert kinds(said({"anything": [1, 2]})) == [("user", ["json"])]
    assert said("", output="") == ()


def test_the_values_of_a_tool_are_nobodys_words() -> None:
    roles = [message.role for message in read_conversation('{"city":"Pune"}', "31 C", chat=False).messages]
    assert roles == ["input", "output"]


@pytest.mark.parametrize("text", ['[{"role": "user", "content": "cut', '{"a": ', "[" * 50_000])
def test_what_cannot_be_read_is_said_and_shown_as_it_came(text: str) -> None:
    conversation = read_conversation(text, "")
    assert "The input" in conversation.problem
    assert conversation.messages[0].parts[0].text == text


def test_cut_anywhere_it_is_still_a_conversation() -> None:
    whole = json.dumps(
        [
            {
                "role": "user",
                "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": {"x": [1]}},
        ]
    )
    for end in range(len(whole) + 1):
        assert read_conversation(whole[:end], "").messages or not end


def test_a_very_long_conversation_shows_its_end() -> None:
    conversation = read_conversation(json.dumps([{"role": "user", "content": str(n)} for n in range(800)]), "")
    assert conversation.hidden == 300
    assert conversation.messages[-1].parts[0].text == "799"


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (f"data:image/png;base64,{PIXEL}", "image"),
        ("data:image/svg+xml;base64,PHN2Zz4=", "media"),
        ("data:text/html;base64,PHN2Zz4=", "media"),
        ('data:image/png;base64,"><script>alert(1)</script>', "media"),
        ("data:image/png;base64," + "A" * 2_000_001, "media"),
        ("https://example.com/cat.png", "link"),
        ("javascript:alert(1)", "media"),
        ("//example.com/x.png", "media"),
        ("file:///etc/passwd", "media"),
    ],
)
def test_only_bitmaps_in_the_record_are_shown(place: str, kind: str) -> None:
    part = parts_of([{"type": "image_url", "image_url": {"url": place}}])[0]
    assert part.kind == kind
    assert part.href.startswith(("data:image/png;base64,", "https://")) or not part.href


def test_blobs_files_and_what_was_too_large() -> None:
    parts = parts_of(
        [
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": PIXEL},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "omitted": True, "size": 5_000_000},
            {"type": "file", "modality": "image", "file_id": "file-1"},
            {"type": "input_audio", "input_audio": {"format": "wav", "data": "AAAA"}},
            {"type": "unheard_of", "content": [1]},
        ]
    )
    assert [part.kind for part in parts] == ["image", "media", "media", "media", "json"]
    assert "too large" in parts[1].note


def test_long_text_is_folded_and_short_text_is_not() -> None:
    assert Part(kind="text", text="short").head == ""
    long = Part(kind="text", text="word " * FOLD_CHARACTERS)
    assert long.text.startswith(long.head)
    assert 0 < len(long.head) < FOLD_CHARACTERS
    assert Part(kind="text", text="\n" * 60).head == "\n" * 19


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        True,
        [],
        {},
        [[]],
        [None],
        {"role": 3},
        {"role": "", "content": 7},
        [{"role": "user", "content": {"type": None}}],
        [{"role": "user", "parts": [3]}],
        {"choices": [None, {"message": 3}]},
        {"messages": [4]},
        {"output": [3]},
        [{"role": "assistant", "tool_calls": [3, {"function": None}]}],
    ],
)
def test_odd_shapes_are_shown_not_raised(value: Any) -> None:
    read_conversation(json.dumps(value), json.dumps(value))
