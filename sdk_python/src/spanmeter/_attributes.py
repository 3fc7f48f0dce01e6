"""The attribute names that are written, in one place; the GenAI convention's are its current ones."""

from typing import Final

__all__ = ["KINDS", "OPERATIONS"]

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_PREFIX: Final = "gen_ai.request."
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST: Final = "gen_ai.response.time_to_first_chunk"  # seconds
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
AGENT_NAME: Final = "gen_ai.agent.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
COST: Final = "gen_ai.usage.cost"
SERVICE_TIER: Final = "openai.response.service_tier"
SERVER_ADDRESS: Final = "server.address"
ERROR_TYPE: Final = "error.type"

USER_ID: Final = "user.id"
SESSION_ID: Final = "session.id"
SESSION_NAME: Final = "spanmeter.session.name"
TRACE_NAME: Final = "spanmeter.trace.name"
TAGS: Final = "spanmeter.tags"
PROPERTY_PREFIX: Final = "spanmeter.property."
ENVIRONMENT: Final = "deployment.environment.name"
RELEASE: Final = "service.version"
SERVICE: Final = "service.name"
INPUT: Final = "spanmeter.input"
OUTPUT: Final = "spanmeter.output"
GENERATOR_END: Final = "spanmeter.generator.end"

EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_VALUE: Final = "gen_ai.evaluation.score.value"
EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"
EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
SCORE_PREFIX: Final = "spanmeter.score."

# What a span can be → the convention's word for it; a plain span has none.
OPERATIONS: Final[dict[str, str]] = {
    "span": "",
    "llm": "chat",
    "embedding": "embeddings",
    "retriever": "retrieval",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "workflow": "invoke_workflow",
    "memory": "search_memory",
}
KINDS: Final = tuple(OPERATIONS)
