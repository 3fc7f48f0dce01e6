"""OpenTelemetry GenAI, three generations: before 1.37 (G1), 1.37 to 1.41 (G2), and the separate repository (G3).

Exporters of all three are in use, often mixed in one process, so a key's generation is not looked for: where a name
changed, the newer name comes first.
"""

from ingestion.conventions.base import Convention, Field, Source
from ingestion.records import SpanKind

__all__ = ["OTEL_GENAI"]


def _keys(*names: str) -> tuple[Source, ...]:
    return tuple(Source(name) for name in names)


OTEL_GENAI = Convention(
    name="otel_genai",
    prefixes=("gen_ai.",),
    fields={
        Field.OPERATION: (Source("gen_ai.operation.name", kept=True),),
        Field.PROVIDER: (Source("gen_ai.provider.name", kept=True), Source("gen_ai.system", kept=True)),
        Field.SERVER_ADDRESS: (Source("server.address", kept=True),),
        Field.MODEL_REQUESTED: _keys("gen_ai.request.model"),
        Field.MODEL: _keys("gen_ai.response.model"),
        Field.RESPONSE_ID: _keys("gen_ai.response.id"),
        Field.FINISH_REASONS: _keys("gen_ai.response.finish_reasons"),
        Field.STREAM: _keys("gen_ai.request.stream"),
        Field.INPUT_TOKENS: _keys("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        Field.OUTPUT_TOKENS: _keys("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        Field.CACHE_READ_TOKENS: _keys("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        Field.CACHE_WRITE_TOKENS: _keys(
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        ),
        Field.REASONING_TOKENS: _keys("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        Field.INPUT_AUDIO_TOKENS: _keys("gen_ai.usage.audio.input_tokens"),
        Field.CACHE_READ_AUDIO_TOKENS: _keys("gen_ai.usage.audio.cache_read.input_tokens"),
        Field.INPUT_IMAGE_TOKENS: _keys("gen_ai.usage.image.input_tokens"),
        Field.OUTPUT_AUDIO_TOKENS: _keys("gen_ai.usage.audio.output_tokens"),
        Field.OUTPUT_IMAGE_TOKENS: _keys("gen_ai.usage.image.output_tokens"),
        Field.REPORTED_COST: _keys("gen_ai.usage.cost"),
        Field.SERVICE_TIER: (Source("openai.response.service_tier", kept=True),),
        Field.SPEED: (Source("anthropic.speed", kept=True),),
        Field.TIME_TO_FIRST_TOKEN: _keys("gen_ai.response.time_to_first_chunk", "gen_ai.latency.time_to_first_token"),
        Field.TIME_IN_QUEUE: _keys("gen_ai.latency.time_in_queue"),
        Field.SESSION_ID: _keys("session.id", "gen_ai.conversation.id"),
        Field.SESSION_NAME: _keys("spanmeter.session.name"),
        Field.USER_ID: _keys("user.id", "enduser.id"),
        Field.TRACE_NAME: _keys("spanmeter.trace.name"),
        Field.TAGS: _keys("spanmeter.tags"),
        Field.ENVIRONMENT: _keys("deployment.environment.name", "deployment.environment"),
        Field.RELEASE: _keys("service.version"),
        Field.SERVICE: _keys("service.name"),
        Field.AGENT: _keys("gen_ai.agent.name"),
        Field.TOOL: _keys("gen_ai.tool.name"),
        Field.PROMPT_NAME: _keys("gen_ai.prompt.name"),
        Field.PROMPT_VERSION: _keys("gen_ai.prompt.version"),
        Field.SYSTEM_INSTRUCTIONS: _keys("gen_ai.system_instructions"),
        Field.INPUT: _keys("gen_ai.input.messages", "gen_ai.tool.call.arguments", "gen_ai.prompt", "spanmeter.input"),
        Field.OUTPUT: _keys(
            "gen_ai.output.messages", "gen_ai.tool.call.result", "gen_ai.completion", "spanmeter.output"
        ),
        Field.ERROR_TYPE: _keys("error.type"),
        Field.HTTP_STATUS: _keys("http.response.status_code", "http.status_code"),
    },
    operations={
        "chat": SpanKind.LLM,
        "generate_content": SpanKind.LLM,
        "text_completion": SpanKind.LLM,
        "fetch_response": SpanKind.LLM,
        "embeddings": SpanKind.EMBEDDING,
        "retrieval": SpanKind.RETRIEVER,
        "execute_tool": SpanKind.TOOL,
        "create_agent": SpanKind.AGENT,
        "invoke_agent": SpanKind.AGENT,
        "plan": SpanKind.AGENT,
        "invoke_workflow": SpanKind.WORKFLOW,
        "search_memory": SpanKind.MEMORY,
        "create_memory": SpanKind.MEMORY,
        "update_memory": SpanKind.MEMORY,
        "upsert_memory": SpanKind.MEMORY,
        "delete_memory": SpanKind.MEMORY,
        "create_memory_store": SpanKind.MEMORY,
        "delete_memory_store": SpanKind.MEMORY,
    },
    unbilled_operations=frozenset({"fetch_response"}),
    parameters=("gen_ai.request.",),
    usage=("gen_ai.usage.",),
)
