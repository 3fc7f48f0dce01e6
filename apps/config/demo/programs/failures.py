"""Calls that do not end well: an embedding that this server does not offer, a prompt that is too long. Both are
recorded.
"""

from contextlib import suppress

from openai import APIStatusError

from apps.config.demo.desk import Desk

__all__ = ["run"]


def run(desk: Desk) -> None:
    """The SDK raises, as it would without a gateway; the traces say why."""
    client = desk.client()
    with suppress(APIStatusError):
        client.embeddings.create(
            model=desk.model,
            input="A ledger that balances.",
            user="ravi",
            extra_headers={"Spanmeter-Trace-Id": desk.show("an embedding that the server refuses")},
        )
    with suppress(APIStatusError):
        client.chat.completions.create(
            model=desk.model,
            messages=[{"role": "user", "content": "again and again " * 3000}],
            max_tokens=5,
            user="asha",
            extra_headers={"Spanmeter-Trace-Id": desk.show("a prompt longer than the model's context")},
        )
