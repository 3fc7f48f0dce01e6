"""Who and what a call belongs to: the Spanmeter-* request headers and the W3C trace context.

Values that cannot be used are ignored and said in a note, never guessed at. Header names arrive in lower case.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingestion.json_shape import clip

__all__ = ["Attribution", "header_map", "read_attribution"]

PREFIX = "spanmeter-"
PROPERTY = "spanmeter-property-"
MAX_PROPERTIES = 64
MAX_TAGS = 64

_TRACEPARENT = re.compile(r"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$")
_HEX = frozenset("0123456789abcdef")


@dataclass(slots=True, kw_only=True)
class Attribution:
    """Empty where nothing was said."""

    trace_id: str = ""
    parent_span_id: str = ""
    trace_name: str = ""
    user_id: str = ""
    session_id: str = ""
    session_name: str = ""
    environment: str = ""
    release: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


_PLAIN = {
    "spanmeter-user-id": "user_id",
    "spanmeter-session-id": "session_id",
    "spanmeter-session-name": "session_name",
    "spanmeter-trace-name": "trace_name",
    "spanmeter-environment": "environment",
    "spanmeter-release": "release",
    "spanmeter-prompt-name": "prompt_name",
    "spanmeter-prompt-version": "prompt_version",
}


def header_map(headers: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    """Return headers as text; repeated ones are joined with a comma, as HTTP allows."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1")
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def read_attribution(headers: Mapping[str, str]) -> Attribution:
    """Read the attribution of a call from its request headers."""
    found = Attribution()
    for name, value in headers.items():
        if not name.startswith(PREFIX):
            continue
        plain = _PLAIN.get(name)
        if plain is not None:
            setattr(found, plain, clip(value.strip(), 512))
        elif name.startswith(PROPERTY):
            key = name[len(PROPERTY) :]
            if key and len(found.properties) < MAX_PROPERTIES:
                found.properties[clip(key, 128)] = clip(value.strip(), 1024)
            elif key:
                found.notes.append(f"property {clip(key, 64)!r} ignored: more than {MAX_PROPERTIES} properties")
        elif name == "spanmeter-tags":
            tags = dict.fromkeys(clip(tag.strip(), 128) for tag in value.split(",") if tag.strip())
            found.tags = tuple(tags)[:MAX_TAGS]
    _trace(found, headers)
    return found


def _trace(found: Attribution, headers: Mapping[str, str]) -> None:
    """Our own headers win over traceparent: they were set for us."""
    parent = headers.get("traceparent", "").strip()
    if parent:
        match = _TRACEPARENT.match(parent.lower())
        if match and match.group(1) != "ff" and match.group(2).strip("0") and match.group(3).strip("0"):
            found.trace_id, found.parent_span_id = match.group(2), match.group(3)
        else:
            found.notes.append(f"traceparent {clip(parent, 80)!r} ignored: not a W3C trace context")
    given = headers.get("spanmeter-trace-id", "").strip()
    if given:
        plain = given.replace("-", "").lower()
        if len(plain) == 32 and _HEX.issuperset(plain) and plain.strip("0"):
            trace_id = plain
        else:
            # Any text names a trace: the same text always means the same trace.
            trace_id = hashlib.blake2b(given.encode("utf-8", "replace"), digest_size=16).hexdigest()
            found.attributes["spanmeter.trace_id"] = clip(given)
        if trace_id != found.trace_id:
            found.parent_span_id = ""  # a parent in another trace is no parent
        found.trace_id = trace_id
    span = headers.get("spanmeter-parent-span-id", "").strip().lower()
    if span:
        if len(span) == 16 and _HEX.issuperset(span) and span.strip("0"):
            found.parent_span_id = span
        else:
            found.notes.append(f"spanmeter-parent-span-id {clip(span, 80)!r} ignored: expected 16 hex digits")
