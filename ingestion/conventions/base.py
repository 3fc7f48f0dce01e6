"""What a semantic convention is to us: which attribute keys tell which canonical field, in which order of trust.

Data only. Never says how a value is fetched: ingestion/store/otlp makes the SQL out of these tables, once for all
conventions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from ingestion.records import SpanKind

__all__ = ["Convention", "Field", "Source"]


class Field(StrEnum):
    """A canonical field that an attribute can tell."""

    OPERATION = "operation"
    PROVIDER = "provider"
    SERVER_ADDRESS = "server_address"
    MODEL_REQUESTED = "model_requested"
    MODEL = "model"
    RESPONSE_ID = "response_id"
    FINISH_REASONS = "finish_reasons"
    STREAM = "stream"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    CACHE_READ_TOKENS = "cache_read_tokens"
    CACHE_WRITE_TOKENS = "cache_write_tokens"
    CACHE_WRITE_1H_TOKENS = "cache_write_1h_tokens"
    REASONING_TOKENS = "reasoning_tokens"
    INPUT_AUDIO_TOKENS = "input_audio_tokens"
    CACHE_READ_AUDIO_TOKENS = "cache_read_audio_tokens"
    INPUT_IMAGE_TOKENS = "input_image_tokens"
    OUTPUT_AUDIO_TOKENS = "output_audio_tokens"
    OUTPUT_IMAGE_TOKENS = "output_image_tokens"
    REPORTED_COST = "reported_cost"
    SERVICE_TIER = "service_tier"
    SPEED = "speed"
    TIME_TO_FIRST_TOKEN = "time_to_first_token"  # noqa: S105 - no secret
    TIME_IN_QUEUE = "time_in_queue"
    SESSION_ID = "session_id"
    SESSION_NAME = "session_name"
    USER_ID = "user_id"
    TRACE_NAME = "trace_name"
    TAGS = "tags"
    ENVIRONMENT = "environment"
    RELEASE = "release"
    SERVICE = "service"
    AGENT = "agent"
    TOOL = "tool"
    PROMPT_NAME = "prompt_name"
    PROMPT_VERSION = "prompt_version"
    SYSTEM_INSTRUCTIONS = "system_instructions"
    INPUT = "input"
    OUTPUT = "output"
    ERROR_TYPE = "error_type"
    HTTP_STATUS = "http_status"


@dataclass(frozen=True, slots=True)
class Source:
    """One key of one dialect.

    `unit` is that of a duration. `kept` leaves the attribute in `attributes` as well, because the column that is made
    from it says less than it did.
    """

    key: str
    unit: Literal["s", "ms"] = "s"
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One dialect. The registry asks the conventions in order; the first key that has a value wins."""

    name: str  # as stored in `convention`
    prefixes: tuple[str, ...]  # a span with an attribute that begins with one of these speaks this dialect
    fields: Mapping[Field, tuple[Source, ...]]
    operations: Mapping[str, SpanKind] = field(default_factory=dict)
    unbilled_operations: frozenset[str] = frozenset()  # those that repeat a usage which another span has reported
    parameters: tuple[str, ...] = ()  # prefixes of keys that are settings of the call
    usage: tuple[str, ...] = ()  # prefixes of keys that are the provider's own words on usage
