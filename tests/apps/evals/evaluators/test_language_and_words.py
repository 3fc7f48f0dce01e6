"""Language, refusal, toxic words and personal data."""

import json
from typing import Any

import pytest

from apps.evals.evaluators import evaluator_of
from tests.apps.evals.evaluators.judging import HINDI, judged, messages

ANSWERS = {
    "en": "The capital of France is Paris and it is on the river.",
    "hi": HINDI,
    "hi-latn": "Paris France ki rajdhani hai aur yeh bahut bada shahar hai",
    "mr": "पॅरिस ही फ्रान्सची राजधानी आहे आणि ते मोठे शहर आहे",
    "ta": "பாரிஸ் பிரான்சின் தலைநகரம் ஆகும்",
    "bn": "প্যারিস ফ্রান্সের রাজধানী এবং একটি বড় শহর",
    "te": "పారిస్ ఫ్రాన్స్ రాజధాని మరియు పెద్ద నగరం",
    "es": "La capital de Francia es París y es una ciudad muy grande",
    "fr": "La capitale de la France est Paris et elle est sur la Seine",
    "de": "Die Hauptstadt von Frankreich ist Paris und sie ist groß",
    "pt": "A capital da França é Paris e não é uma cidade pequena",
    "ru": "Столица Франции это Париж и он большой",
    "ar": "باريس هي عاصمة فرنسا وهي مدينة كبيرة على نهر السين",
    "ja": "パリはフランスの首都です。とても大きな都市です。",
    "zh": "巴黎是法国的首都。这是一个很大的城市。",
    "ko": "파리는 프랑스의 수도이며 매우 큰 도시입니다.",
}


@pytest.mark.parametrize("language", ANSWERS)
def test_the_language_of_an_answer_is_told(language: str) -> None:
    verdict = judged("language", {"expected": [language]}, ANSWERS[language])
    assert verdict.value is True
    assert verdict.metadata["language"] == language


def test_the_answer_should_be_in_the_language_of_the_question() -> None:
    asked = messages(("system", "You are a helpful assistant of the railway."), ("user", ANSWERS["hi"]))
    assert judged("language", {}, ANSWERS["hi"], input=asked).value is True
    verdict = judged("language", {}, ANSWERS["en"], input=asked)
    assert verdict.value is False
    assert verdict.comment == "English, expected Hindi"


@pytest.mark.parametrize("answer", ["ok", "", "42 + 17 = 59", "def f(x): return qwxz(x) + zxcv(x)"])
def test_short_text_and_code_give_no_verdict(answer: str) -> None:
    verdict = judged("language", {"expected": ["en"]}, answer)
    assert not verdict.given
    assert verdict.reason.startswith("the answer is ")


def test_an_english_word_in_a_hindi_answer_does_not_change_its_language() -> None:
    assert judged("language", {"expected": ["hi"]}, HINDI + " Paris, Île-de-France.").value is True


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that request.",
        "I\u2019m not able to assist with this.",
        "I cannot provide instructions for that.",
        "As an AI language model, I cannot have opinions.",
        "This goes against our content policy.",
        "माफ़ कीजिए, मैं इस अनुरोध में मदद नहीं कर सकता।",
        "मुझे खेद है, मैं आपकी सहायता नहीं कर सकती।",
        "Sorry bhai, main is request mein madad nahi kar sakta",
        "Lo siento, no puedo ayudarte con eso.",
        "Es tut mir leid, dabei kann ich dir nicht helfen.",
        "மன்னிக்கவும், என்னால் உதவ முடியாது.",
    ],
)
def test_a_refusal_is_recognised(answer: str) -> None:
    assert judged("refusal", {}, answer).value is True


@pytest.mark.parametrize(
    "answer",
    [
        "Paris is the capital of France.",
        "I cannot recommend this place enough!",
        "Sorry for the delay; here is the report.",
        "You can't help but love it.",
        HINDI,
        "The answer is 4. " * 60 + "I can't help with more.",
    ],
)
def test_an_answer_is_no_refusal(answer: str) -> None:
    assert judged("refusal", {}, answer).value is False


def test_the_provider_may_have_marked_it() -> None:
    output = json.dumps([{"role": "assistant", "parts": [{"type": "refusal", "content": "No."}]}])
    assert judged("refusal", {}, output).value is True
    filtered = json.dumps([{"role": "assistant", "parts": [], "finish_reason": "content_filter"}])
    assert judged("refusal", {}, filtered).value is True


def test_phrases_of_ones_own_count_and_an_empty_answer_does_not() -> None:
    assert judged("refusal", {"phrases": ["please ask the desk"]}, "Please ask the DESK.").value is True
    assert judged("refusal", {}, " \n").reason == "the answer is empty"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("What sh1t is this", "profanity"),
        ("You are an IDIOT", "insult"),
        ("तू चूतिया है", "profanity"),
        ("go kill yourself", "threat"),
        ("tu harami hai", "insult"),
    ],
)
def test_toxic_words_are_found(text: str, kind: str) -> None:
    verdict = judged("toxicity", {}, text)
    assert verdict.value is True
    assert verdict.metadata["kinds"] == kind


@pytest.mark.parametrize("text", ["The assassin of Scunthorpe", "तुम अच्छे हो", "", "He passed the class in Essex"])
def test_words_inside_other_words_do_not_count(text: str) -> None:
    assert judged("toxicity", {}, text).value is False


def test_toxic_words_can_be_added_allowed_and_chosen() -> None:
    assert judged("toxicity", {"words": ["numbskull"]}, "You Numbskull!").metadata == {"kinds": "own"}
    assert judged("toxicity", {"allowed": ["idiot"]}, "The Idiot is a novel").value is False
    assert judged("toxicity", {"kinds": ["threat"]}, "You idiot").value is False


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to anna@example.com.", "email"),
        ("मेरा नंबर +91 98765 43210 है", "phone"),
        ("Card 4111 1111 1111 1111", "card"),
        ("IBAN GB82 WEST 1234 5698 7654 32 is mine", "iban"),
        ("DE89370400440532013000", "iban"),
        ("Aadhaar 2341 2341 2346", "aadhaar"),
        ("PAN ABCPE1234F", "pan"),
        ("from 203.0.113.9", "ip"),
        ("from 2001:db8::1 today", "ip"),
        ("key sk-" + "a1" * 16, "key"),
    ],
)
def test_personal_data_is_found_and_never_repeated(text: str, kind: str) -> None:
    verdict = judged("personal_data", {"kinds": [kind]}, text)
    assert verdict.value is True
    assert verdict.metadata == {kind: "1"}
    assert verdict.comment == f"{kind}: 1"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("card", "4111 1111 1111 1112"),
        ("iban", "GB83 WEST 1234 5698 7654 32"),
        ("aadhaar", "2341 2341 2345"),
        ("pan", "ABCXE1234F"),
        ("ip", "version 1.2.3 at 12:30:45 on 127.0.0.1 or 999.1.1.1"),
        ("email", "me at home"),
    ],
)
def test_numbers_whose_check_digit_is_wrong_do_not_count(kind: str, text: str) -> None:
    assert judged("personal_data", {"kinds": [kind]}, text).value is False


def test_personal_data_in_the_input_is_another_question() -> None:
    settings: dict[str, Any] = {"where": "input", "kinds": ["email"]}
    assert judged("personal_data", settings, "none", input=messages(("user", "I am a@example.com"))).value is True
    assert judged("personal_data", {}, "none", input=messages(("user", "I am a@example.com"))).value is False


def test_one_place_is_one_kind() -> None:
    assert judged("personal_data", {}, "4111 1111 1111 1111").metadata == {"card": "1"}
    assert evaluator_of("personal_data", {"kinds": "email\nip"}).judge is not None
