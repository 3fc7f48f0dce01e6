"""Ids and the page of the trace that runs now."""

from opentelemetry.trace import get_current_span

from spanmeter._guard import guarded
from spanmeter._runtime import current

__all__ = ["get_current_span_id", "get_current_trace_id", "get_trace_url"]


@guarded("ids", None)
def get_current_trace_id() -> str | None:
    """Return the id of the current trace, 32 hex digits; None outside of any."""
    context = get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


@guarded("ids", None)
def get_current_span_id() -> str | None:
    """Return the id of the current span, 16 hex digits; None outside of any."""
    context = get_current_span().get_span_context()
    return format(context.span_id, "016x") if context.is_valid else None


@guarded("ids", None)
def get_trace_url(trace_id: str | None = None) -> str | None:
    """Return the address of a trace's page; None unless SPANMETER_DASHBOARD_URL and SPANMETER_PROJECT are known."""
    runtime, found = current.runtime, trace_id or get_current_trace_id()
    if runtime is None or not found or not runtime.settings.dashboard_url or not runtime.settings.project:
        return None
    settings = runtime.settings
    return f"{settings.dashboard_url.rstrip('/')}/p/{settings.project}/traces/{found}/"
