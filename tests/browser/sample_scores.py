"""Made-up scores of a trace, one of each kind."""

from apps.analytics.scores import ScoreRow
from tests.browser.sample import HOSTILE, NOW

__all__ = ["scores_of"]


def scores_of(size: str) -> tuple[ScoreRow, ...]:
    """None for a trace that nobody judged; else one of each kind, one that failed, and one that is hostile."""
    if size != "much":
        return ()
    given: tuple[dict[str, object], ...] = (
        {
            "name": "groundedness",
            "value": 0.8125,
            "source": "evaluator",
            "evaluator": "judge",
            "evaluator_version": "3",
        },
        {"name": "thumbs", "data_type": "boolean", "value": 1.0, "source": "human", "author": "alice@example.org"},
        {"name": "tone", "data_type": "category", "text_value": "kind", "span_id": "a1"},
        {"name": "relevance", "metadata": {"error.type": "timeout"}},
        {"name": HOSTILE, "data_type": "text", "text_value": HOSTILE, "comment": HOSTILE},
    )
    return tuple(_score(f"score-{number}", **values) for number, values in enumerate(given))


def _score(score_id: str, **changes: object) -> ScoreRow:
    values: dict[str, object] = {
        "id": score_id,
        "trace_id": "019ae3f0c0de7c1f8a2b3c4d5e6f7081",
        "data_type": "number",
        "value": None,
        "source": "api",
        "metadata": {},
        "cost_usd": None,
        "timestamp": NOW,
        "received_at": NOW,
        "updated_at": NOW,
    }
    texts = (
        "span_id",
        "session_id",
        "text_value",
        "author",
        "comment",
        "evaluator",
        "evaluator_version",
        "environment",
    )
    return ScoreRow(**{**dict.fromkeys(texts, ""), **values, **changes})  # type: ignore[arg-type]
