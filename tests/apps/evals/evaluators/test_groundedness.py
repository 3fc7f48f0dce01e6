"""Claims that the evidence supports, and those that it does not."""

import json
from collections.abc import Callable

import pytest

from apps.evals.evaluators.claims import claims_of, number_text, numbers_of, words_of
from apps.evals.evaluators.groundedness import evidence_of, highlights_of
from apps.evals.evaluators.reading import answer_of
from bench.groundedness import generated, main, measured
from tests.apps.evals.evaluators.judging import judged, messages, subject

DOCUMENTS = (
    "The Aurora plan costs 499 rupees per month. It was introduced in March 2021 by Kaveri Networks. Customers may "
    "cancel within 14 days and receive a full refund. Support is open from Monday to Friday.",
    "कंपनी की स्थापना 1998 में बेंगलुरु में हुई थी। इसके 2,500 कर्मचारी हैं।",
)


def share(answer: str, **rest: object) -> float:
    """The value with the documents above, by words alone."""
    verdict = judged("groundedness", {"embeddings": "off"}, answer, **{"documents": DOCUMENTS, **rest})
    assert isinstance(verdict.value, float), verdict.reason
    return verdict.value


@pytest.mark.parametrize(
    "answer",
    [
        "The Aurora plan costs 499 rupees per month.",
        "Aurora costs 499.00 rupees a month.",
        "The Aurora plan was introduced by Kaveri Networks in March 2021.",
        "Customers may cancel within two weeks and receive a full refund.",
        "कंपनी की स्थापना 1998 में हुई थी।",
        "कंपनी के २५०० कर्मचारी हैं।",
        "- Support is open from Monday to Friday",
    ],
)
def test_what_the_documents_say_is_supported(answer: str) -> None:
    assert share(answer) == 1.0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("The Aurora plan costs 599 rupees per month.", "the number 599 is nowhere"),
        ("The Aurora plan costs 14 rupees per month.", "the number 14 stands elsewhere"),
        ("It was introduced by Ganga Telecom in March 2021.", "the name"),
        ("Customers may not cancel within 14 days and receive a full refund.", "one says not"),
        ("Support is closed from Monday to Friday.", "opposite"),
        ("It also comes with free ice cream on Sundays.", ""),
        ("कंपनी की स्थापना 2004 में हुई थी।", "the number 2004 is nowhere"),
        ("कंपनी की स्थापना 1998 में नहीं हुई थी।", "one says not"),
    ],
)
def test_what_they_do_not_say_is_not(answer: str, why: str) -> None:
    assert share(answer) == 0.0
    assert why in judged("groundedness", {"embeddings": "off"}, answer, documents=DOCUMENTS).comment


def test_the_value_is_the_share_by_length_and_the_highlights_lead_to_the_evidence() -> None:
    right, wrong = "The Aurora plan costs 499 rupees per month.", "A parrot answers the phone."
    output = messages(("assistant", f"Sure! {right} {wrong}"))
    judged_one = subject(output, documents=DOCUMENTS)
    verdict = judged("groundedness", {"embeddings": "off"}, output, documents=DOCUMENTS)
    assert verdict.value == pytest.approx(len(right) / (len(right) + len(wrong)), abs=1e-4)
    first, second = highlights_of(verdict.metadata)
    text = answer_of(output)
    assert text[first.start : first.end] == right
    source = evidence_of(judged_one)[first.source]
    assert source.text[first.evidence_start : first.evidence_end] == "The Aurora plan costs 499 rupees per month."
    assert first.support == 1.0
    assert text[second.start : second.end] == wrong
    assert (second.source, second.support) == (-1, 0.0)
    assert verdict.metadata["claims"] == "2"
    assert verdict.metadata["supported"] == "1"


def test_the_context_in_the_prompt_is_evidence_and_the_question_is_not() -> None:
    context = DOCUMENTS[0]
    answer = "The Aurora plan costs 499 rupees per month."
    prompts = [
        messages(("system", f"Answer from this text. {context}"), ("user", "What does it cost?")),
        messages(("user", f"{context}\n\nQuestion: what does Aurora cost?")),
        messages(("user", f"What does Aurora cost?\n\n{context}")),
        json.dumps(
            [
                {"role": "user", "parts": [{"type": "text", "content": "Cost?"}]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": context}]},
            ]
        ),
    ]
    for prompt in prompts:
        assert share(answer, documents=(), input=prompt) == 1.0
        assert share("The Aurora plan costs 599 rupees.", documents=(), input=prompt) == 0.0
    asked = messages(("system", "You are a helpful assistant."), ("user", "Does the Aurora plan cost 499 rupees?"))
    verdict = judged("groundedness", {}, answer, input=asked)
    assert verdict.reason.startswith("no evidence")
    assert judged("groundedness", {"context": False}, answer, input=prompts[0]).reason.startswith("no evidence")


@pytest.mark.parametrize(
    "shape",
    [
        lambda texts: list(texts),
        lambda texts: [{"page_content": text, "metadata": {"source": "a.pdf"}} for text in texts],
        lambda texts: {"documents": [{"id": "7", "score": 0.3, "document": {"content": text}} for text in texts]},
        lambda texts: [{"role": "tool", "parts": [{"type": "text", "content": text}]} for text in texts],
    ],
)
def test_documents_are_read_from_what_a_retrieval_returned(shape: Callable[[tuple[str, ...]], object]) -> None:
    """Whatever its library calls them; ids, scores and file names are no evidence."""
    output = json.dumps(shape(DOCUMENTS))
    assert [source.text for source in evidence_of(subject("x", documents=(output,)))] == list(DOCUMENTS)
    assert share("The Aurora plan costs 499 rupees per month.", documents=(output,)) == 1.0
    assert evidence_of(subject("x", documents=("[not JSON",)))[0].text == "[not JSON"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "the answer is empty"),
        ("Sure! What would you like to know?", "no claim"),
        ("\x00\x01\ufffd" * 100, "no claim"),
        ("```\nx = 1\n```", "no claim"),
    ],
)
def test_nothing_to_check_is_no_verdict(answer: str, reason: str) -> None:
    assert reason in judged("groundedness", {}, answer, documents=DOCUMENTS).reason


def test_a_huge_answer_is_read_in_part_and_that_is_said() -> None:
    answer = "The Aurora plan costs 499 rupees per month. " * 25_000
    verdict = judged("groundedness", {"embeddings": "off"}, answer, documents=(DOCUMENTS[0] * 5_000,))
    assert verdict.value == 1.0
    assert "200 claims" in verdict.metadata["bounded"]
    assert len(highlights_of(verdict.metadata)) == 200
    assert all(len(text) <= 1_024 for text in verdict.metadata.values())


def test_the_threshold_makes_it_stricter() -> None:
    answer = "The Aurora plan for families costs 499 rupees per month."
    loose = judged("groundedness", {"threshold": 0.3, "embeddings": "off"}, answer, documents=DOCUMENTS)
    strict = judged("groundedness", {"threshold": 1, "embeddings": "off"}, answer, documents=DOCUMENTS)
    assert (loose.value, strict.value) == (1.0, 0.0)


def test_damaged_highlights_are_none() -> None:
    assert highlights_of({"highlights.0": "[[1,2"}) == ()
    assert highlights_of({"highlights.0": "[[1,2]]"}) == ()
    assert highlights_of({}) == ()


def test_claims_are_sentences_without_courtesies_and_headings() -> None:
    text = "Here is what I found:\n1. Dr. Rao paid 3.5 crore.\n2. It rained.\nIs that all? पहला वाक्य है। दूसरा वाक्य है।"
    assert [claim.text for claim in claims_of(text)] == [
        "Dr. Rao paid 3.5 crore.",
        "It rained.",
        "पहला वाक्य है।",
        "दूसरा वाक्य है।",
    ]
    assert all(text[claim.start : claim.end] == claim.text for claim in claims_of(text))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1,200", "1200"),
        ("1,00,000", "100000"),
        ("12.50", "12.5"),
        ("007", "7"),
        ("१२", "12"),
        ("0.0", "0"),
        ("3,5", "3.5"),
    ],
)
def test_a_number_has_one_spelling(written: str, read: str) -> None:
    assert number_text(written) == read


def test_numbers_in_words_and_scales_are_numbers() -> None:
    assert numbers_of(words_of("two dogs, 3 lakh rupees and 1.5 million more")) == {"2", "300000", "1500000"}
    assert numbers_of(words_of("within two weeks")) == numbers_of(words_of("within 14 days"))


def test_the_generated_answers_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """Far below what docs/evaluators.md shows, so that only a real loss fails."""
    got = measured(generated(40, seed=3), embeddings="off")
    assert got.recall > 0.75
    assert got.precision > 0.6
    assert got.auc > 0.75
    assert got.by_kind["repeated"][0] < 0.1
    assert generated(5, seed=3) == generated(5, seed=3)
    assert main(["--answers", "4"]) == 0
    assert "| words |" in capsys.readouterr().out
