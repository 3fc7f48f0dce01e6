"""One entry a dimension: its expression over spans, and over roll-up rows where they know it. The only list of
dimension names.
"""

from dataclasses import dataclass

__all__ = ["DIMENSIONS", "Dimension"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """`rollup` is None where only the spans know. `time` is put together by aggregate.py, which knows the buckets."""

    label: str
    spans: str
    rollup: str | None = None


DIMENSIONS: dict[str, Dimension] = {
    "time": Dimension("Time", "", ""),
    "model": Dimension("Model", "model", "model"),
    "provider": Dimension("Provider", "provider", "provider"),
    "kind": Dimension("Kind", "kind", "kind"),
    "environment": Dimension("Environment", "environment", "environment"),
    "source": Dimension("Source", "source", "source"),
    "status": Dimension("Status", "status"),
    "user": Dimension("User", "user_id"),
    "session": Dimension("Session", "session_id"),
    "tag": Dimension("Tag", "arrayJoin(tags)"),
    "name": Dimension("Name", "name"),
    "trace_name": Dimension("Trace name", "trace_name"),
    "service": Dimension("Service", "service"),
    "release": Dimension("Release", "release"),
    "prompt": Dimension("Prompt", "prompt_name"),
    "tool": Dimension("Tool", "tool_name"),
    "agent": Dimension("Agent", "agent_name"),
    "cost_status": Dimension("Cost status", "cost_status"),
    "error_type": Dimension("Error type", "error_type"),
}
