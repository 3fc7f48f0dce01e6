"""A subject in one line."""

import json
from typing import Any

from apps.evals.evaluators import Subject, Verdict, evaluator_of

HINDI = "पेरिस फ्रांस की राजधानी है और यह नदी के किनारे बसा हुआ एक बहुत बड़ा शहर है।"
MIXED = "Paris फ्रांस की राजधानी है, and it has about 2,100,000 inhabitants."
EMPTY, BINARY, HUGE = "", "\x00\x01\ufffd\udcff" * 200, "lorem ipsum 42, " * 70_000
ODD = {"empty": EMPTY, "binary": BINARY, "huge": HUGE, "brackets": "[" * 500_000, "mixed": MIXED, "hindi": HINDI}


def subject(output: str = "", **rest: Any) -> Subject:
    """What is judged."""
    return Subject(project_id="p", trace_id="t", output=output, **rest)


def judged(evaluator: str, settings: dict[str, Any], output: str = "", **rest: Any) -> Verdict:
    """Read the settings and judge."""
    return evaluator_of(evaluator, settings).judge(subject(output, **rest))


def messages(*turns: tuple[str, str]) -> str:
    """Canonical message JSON."""
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in turns])
