"""A support desk with the Python client: decorated functions, documents looked up, an answer, and a score from the
asker.

The call goes through the gateway as well; the client's wrapper says the trace to it, and it is billed once.
"""

import spanmeter

from apps.config.demo.desk import Desk

__all__ = ["run"]

PAGES = {
    "returns": "Goods can be sent back within 30 days of delivery. The buyer pays the postage, 49 rupees in India.",
    "delivery": "Parcels reach Pune and Mumbai in two days and every other city in five days.",
}
QUESTION = "How long do I have to send a kettle back, and what does the postage cost?"


@spanmeter.observe(kind="retriever")
def look_up(question: str) -> list[str]:
    """The retrieval: pages that share a word with the question."""
    words = set(question.lower().replace(",", " ").replace("?", " ").split())
    return [text for text in PAGES.values() if words & set(text.lower().replace(".", " ").split())]


def run(desk: Desk) -> None:
    """Ask once, say that it helped, and let the client deliver."""
    spanmeter.configure(
        base_url=desk.gateway_url, api_key=desk.key, service="support-desk", spool_directory=str(desk.folder)
    )
    client = spanmeter.wrap_openai(desk.client())

    @spanmeter.observe(name="answer a customer", kind="agent")
    def answer(question: str) -> str:
        desk.note("a support desk with decorators", str(spanmeter.get_current_trace_id()))
        pages = "\n".join(look_up(question))
        said = client.chat.completions.create(
            model=desk.model,
            messages=[
                {"role": "system", "content": f"Answer from these pages only.\n{pages}"},
                {"role": "user", "content": question},
            ],
            temperature=0,
            max_tokens=60,
        )
        spanmeter.score("helpful", True, comment="the days were right")
        return said.choices[0].message.content or ""

    with spanmeter.context(user_id="meera", session_id="demo-support", tags=["demo", "decorators"]):
        answer(QUESTION)
    spanmeter.shutdown(timeout=20)
