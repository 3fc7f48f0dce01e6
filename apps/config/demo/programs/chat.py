"""A conversation of two turns, streamed: one session, two traces, time to first token."""

from openai.types.chat import ChatCompletionMessageParam

from apps.config.demo.desk import Desk

__all__ = ["run"]

QUESTIONS = ("Name three things that make a city pleasant to walk in.", "Which of them costs the least?")


def run(desk: Desk) -> None:
    """Ask, read the stream, ask again with what was said."""
    client = desk.client()
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": "Answer in two sentences."}]
    for number, question in enumerate(QUESTIONS, start=1):
        messages.append({"role": "user", "content": question})
        stream = client.chat.completions.create(
            model=desk.model,
            messages=messages,
            stream=True,
            stream_options={"include_usage": True},
            max_tokens=60,
            user="asha",
            extra_headers={
                "Spanmeter-Trace-Id": desk.show(f"a streamed chat, turn {number}"),
                "Spanmeter-Trace-Name": "city chat",
                "Spanmeter-Session-Id": "demo-city-chat",
                "Spanmeter-Session-Name": "Walking in cities",
                "Spanmeter-Tags": "demo,streamed",
            },
        )
        said = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        messages.append({"role": "assistant", "content": said})
