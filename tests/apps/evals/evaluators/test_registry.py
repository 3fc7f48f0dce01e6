"""One evaluator more is one file and one line, and every evaluator keeps the same promises."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from apps.evals import evaluators
from apps.evals.evaluators import EVALUATORS, EvaluatorError, Verdict, evaluator_names, evaluator_of, schema_of
from tests.apps.evals.evaluators.judging import ODD, subject
from tests.house.source import ROOT

LEAST: dict[str, dict[str, object]] = {"text_match": {"expected": "x"}, "length": {"most": 10}, "limits": {"limit": 1}}

ONE_MORE = '''
"""Does the answer shout?"""
from dataclasses import dataclass
from typing import ClassVar, Self
from apps.evals.evaluators.base import Setting, Verdict
from apps.evals.evaluators.settings import read_settings

@dataclass(frozen=True, slots=True, kw_only=True)
class Shouting:
    name: ClassVar[str] = "shouting"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Shouting"
    help: ClassVar[str] = "True when it shouts."
    data_type: ClassVar[str] = "boolean"
    asks: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = (Setting(name="share", label="Share", kind="number", default=0.5),)
    share: float = 0.5

    @classmethod
    def parse(cls, value) -> Self:
        return cls(**read_settings(cls.settings, value))

    def judge(self, subject) -> Verdict:
        letters = [c for c in subject.output if c.isalpha()]
        return Verdict(value=sum(c.isupper() for c in letters) > self.share * len(letters))
'''


def test_one_more_is_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "shouting.py"
    file.write_text(ONE_MORE)
    spec = importlib.util.spec_from_file_location("shouting", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "shouting", module)
    spec.loader.exec_module(module)

    monkeypatch.setitem(evaluators.EVALUATORS, "shouting", module.Shouting)  # the one line

    assert "shouting" in evaluator_names()
    assert evaluator_of("shouting", {}).judge(subject("STOP THAT")).value is True
    assert evaluator_of("shouting", {"share": 1}).judge(subject("STOP that")).value is False
    assert schema_of(module.Shouting.settings)["properties"]["share"]["default"] == 0.5


def test_every_file_with_an_evaluator_is_registered() -> None:
    folder = ROOT / "apps" / "evals" / "evaluators"
    named = {
        name
        for file in folder.glob("*.py")
        for name in re.findall(r'name: ClassVar\[str\] = "(\w+)"', file.read_text())
    }
    assert named == set(EVALUATORS)


@pytest.mark.parametrize("name", EVALUATORS)
def test_every_evaluator_and_setting_is_documented(name: str) -> None:
    page = (ROOT / "docs" / "evaluators.md").read_text()
    assert f"`{name}`" in page
    assert {one.name for one in EVALUATORS[name].settings if f"`{one.name}`" not in page} == set()


@pytest.mark.parametrize("name", EVALUATORS)
@pytest.mark.parametrize("kind", ODD)
def test_nothing_that_was_recorded_breaks_an_evaluator(name: str, kind: str) -> None:
    """Either there is a verdict, or a reason why there is none; and a score can hold it."""
    verdict = evaluator_of(name, LEAST.get(name, {})).judge(subject(ODD[kind], input=ODD[kind], documents=(ODD[kind],)))
    assert verdict.given != bool(verdict.reason)
    assert len(verdict.metadata) <= 64
    assert all(len(text) <= 1024 for text in verdict.metadata.values())
    assert len(verdict.comment.encode()) <= 32_768  # and it is text that can be written


@pytest.mark.parametrize("name", EVALUATORS)
def test_a_setting_that_nobody_knows_is_named(name: str) -> None:
    with pytest.raises(EvaluatorError, match="colour='red' is not known here") as raised:
        evaluator_of(name, {**LEAST.get(name, {}), "colour": "red"})
    assert raised.value.field == "colour"


@pytest.mark.parametrize("name", EVALUATORS)
def test_the_schema_says_what_is_required(name: str) -> None:
    schema = schema_of(EVALUATORS[name].settings)
    assert set(schema["required"]) <= set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_an_unknown_evaluator_is_answered_with_those_there_are() -> None:
    with pytest.raises(EvaluatorError, match="evaluator='vibes' is not known; one of text_match"):
        evaluator_of("vibes", {})


@pytest.mark.parametrize(
    ("name", "settings", "field", "said"),
    [
        ("length", {}, "most", "neither least nor most"),
        ("length", {"least": 5, "most": 2}, "most", "most=2 is below least=5"),
        ("length", {"most": -1}, "most", "most=-1 is not accepted; give a whole number, at least 0"),
        ("length", {"most": 1.5}, "most", "most=1.5 is not accepted"),
        ("length", {"most": 3, "unit": "pages"}, "unit", "one of characters, words, tokens"),
        ("limits", {}, "limit", "limit is missing"),
        ("limits", {"limit": "NaN"}, "limit", "limit='NaN' is not accepted"),
        ("limits", {"limit": 1, "measure": "joy"}, "measure", "measure='joy'"),
        ("text_match", {"expected": ""}, "expected", "expected is missing"),
        ("language", {"expected": ["en", "klingon"]}, "expected", "any of en"),
        ("llm_judge", {"labels": ["good"]}, "labels", "two or more"),
        ("groundedness", {"threshold": 2}, "threshold", "at most 1"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_way_out(name: str, settings: dict, field: str, said: str) -> None:
    with pytest.raises(EvaluatorError, match=re.escape(said)) as raised:
        evaluator_of(name, settings)
    assert raised.value.field == field


def test_settings_that_are_no_object_are_refused() -> None:
    with pytest.raises(EvaluatorError, match="is no object"):
        evaluator_of("refusal", ["phrases"])  # type: ignore[arg-type]


def test_a_verdict_may_be_a_word_alone() -> None:
    assert Verdict(text="friendly").given
    assert not Verdict(reason="nobody knows").given
    assert Verdict(value=0.0).given
