"""An agent of three steps in one trace: the model decides on a tool, the tool runs, the model answers.

The calls are recorded by the gateway; the agent's own span and the tool's come by OpenTelemetry. A model of 135
million parameters
does not decide reliably, so its decision is held to a JSON schema; which item and city it picks is its own doing, and
may be wrong.
"""

import json
import secrets
import time
from collections.abc import Mapping

from openai.types.chat import ChatCompletionMessageParam

from apps.config.demo.desk import Desk

__all__ = ["look_up_price", "run"]

QUESTION = "What does a kilo of rice cost in Pune?"
RUPEES = {"rice": 62, "lentils": 118, "onions": 34}
SCHEMA = {
    "type": "object",
    "properties": {
        "item": {"type": "string", "enum": sorted(RUPEES)},
        "city": {"type": "string", "enum": ["Delhi", "Mumbai", "Pune"]},
    },
    "required": ["item", "city"],
    "additionalProperties": False,
}


def look_up_price(item: str, city: str) -> dict[str, object]:
    """The tool: a price per kilo in rupees, from a list."""
    return {"item": item, "city": city, "rupees_per_kilo": RUPEES[item] + len(city)}


def run(desk: Desk) -> None:
    """Decide, call, answer; then tell what the agent and the tool did."""
    client = desk.client()
    trace_id, agent_span, tool_span = desk.show("an agent with a tool call"), secrets.token_hex(8), secrets.token_hex(8)
    headers = {
        "Spanmeter-Trace-Id": trace_id,
        "Spanmeter-Parent-Span-Id": agent_span,
        "Spanmeter-Session-Id": "demo-market",
        "Spanmeter-User-Id": "ravi",
        "Spanmeter-Tags": "demo,agent",
    }
    began = time.time_ns()
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Say as JSON for which item and city the price must be looked up."},
        {"role": "user", "content": QUESTION},
    ]
    decision = client.chat.completions.create(
        model=desk.model,
        messages=messages,
        temperature=0,
        max_tokens=60,
        response_format={"type": "json_schema", "json_schema": {"name": "look_up_price", "schema": SCHEMA}},
        extra_headers=headers,
    )
    arguments = json.loads(decision.choices[0].message.content or "{}")
    tool_began = time.time_ns()
    result = look_up_price(**arguments)
    tool_ended = time.time_ns()
    client.chat.completions.create(
        model=desk.model,
        messages=[
            {"role": "user", "content": QUESTION},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "look_up_price", "arguments": json.dumps(arguments)},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": json.dumps(result)},
        ],
        temperature=0,
        max_tokens=50,
        extra_headers=headers,
    )
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "market agent"}
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look_up_price",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.call.arguments": json.dumps(arguments),
        "gen_ai.tool.call.result": json.dumps(result),
    }
    who = {"user.id": "ravi", "gen_ai.conversation.id": "demo-market"}
    desk.send_spans(
        [
            _span(trace_id, agent_span, "", "invoke_agent market agent", (began, time.time_ns()), agent | who),
            _span(trace_id, tool_span, agent_span, "execute_tool look_up_price", (tool_began, tool_ended), tool | who),
        ],
        service="market-agent",
    )


def _span(
    trace_id: str, span_id: str, parent: str, name: str, times: tuple[int, int], attributes: Mapping[str, str]
) -> Mapping[str, object]:
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(times[0]),
        "endTimeUnixNano": str(times[1]),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
        "status": {"code": 1},
    }
