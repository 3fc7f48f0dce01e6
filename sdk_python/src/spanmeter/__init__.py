"""Trace LLM applications with Spanmeter.

    import spanmeter

    spanmeter.configure()

    @spanmeter.observe
    def answer(question): ...

Everything public is named here; modules whose names begin with an underscore are nobody's to import. Nothing in this
package raises into the program that it observes.
"""

from spanmeter._configure import configure, flush, shutdown, stats
from spanmeter._context import context
from spanmeter._evaluation import score
from spanmeter._links import get_current_span_id, get_current_trace_id, get_trace_url
from spanmeter._observe import observe
from spanmeter._spans import CurrentSpan, Generation, Span, current_span, generation, span
from spanmeter._version import __version__
from spanmeter.integrations.openai import wrap_openai

__all__ = [
    "CurrentSpan",
    "Generation",
    "Span",
    "__version__",
    "configure",
    "context",
    "current_span",
    "flush",
    "generation",
    "get_current_span_id",
    "get_current_trace_id",
    "get_trace_url",
    "observe",
    "score",
    "shutdown",
    "span",
    "stats",
    "wrap_openai",
]
