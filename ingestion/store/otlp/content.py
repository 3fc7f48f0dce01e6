"""What was said: messages in one shape whichever generation sent them, previews, events, and whatever else is known.

The shape is that of the current convention: `[{"role": …, "parts": [{"type": "text", "content": …}, …]}, …]`. Before
1.37 each message was a span event; those are put together to the same shape and left out of `events`.
"""

from ingestion.conventions import CONVENTIONS, PROPERTY_PREFIX, Field, key_numbers, sources
from ingestion.store.otlp.attributes import MOST_ATTRIBUTES, keys_of, quoted, texts_of
from ingestion.store.otlp.traits import Traits, begins, first

__all__ = ["content_columns", "happened"]

_LARGEST_ATTRIBUTE = 32 * 1024
_PREVIEW = 240
_INPUT_EVENTS = "'gen_ai.system.message', 'gen_ai.user.message', 'gen_ai.assistant.message', 'gen_ai.tool.message'"
_CONSUMED_EVENTS = (
    f"{_INPUT_EVENTS}, 'gen_ai.choice', 'gen_ai.content.prompt', 'gen_ai.content.completion', "
    f"'gen_ai.client.inference.operation.details'"
)


def happened() -> str:
    """Return the expression of the span's events: (name, time, keys, texts)."""
    return (
        "arrayMap(e -> (toValidUTF8(e.name), e.time_unix_nano, "
        f"{keys_of('e.attributes')}, {texts_of('e.attributes')}), span.events)"
    )


def _said(event: str, key: str) -> str:
    return f"{event}.4[indexOf({event}.3, {quoted(key)})]"


def _tool_calls(calls: str) -> str:
    words = "JSONExtractString(c, 'function', 'arguments')"
    arguments = f"if(isValidJSON({words}), {words}, toJSONString({words}))"
    return (
        'arrayMap(c -> concat(\'{"type":"tool_call","id":\', toJSONString(JSONExtractString(c, \'id\')), '
        f"',\"name\":', toJSONString(JSONExtractString(c, 'function', 'name')), ',\"arguments\":', {arguments}, '}}'), "
        f"JSONExtractArrayRaw({calls}))"
    )


def _text_part(text: str) -> str:
    return f"if({text} = '', [], [concat('{{\"type\":\"text\",\"content\":', toJSONString({text}), '}}')])"


def _message(role: str, parts: str, finish: str = "''") -> str:
    return (
        f"concat('{{\"role\":', toJSONString({role}), ',\"parts\":[', arrayStringConcat({parts}, ','), ']', "
        f"if({finish} = '', '', concat(',\"finish_reason\":', toJSONString({finish}))), '}}')"
    )


def _input_message(event: str) -> str:
    role = f"firstNonDefault({_said(event, 'role')}, splitByChar('.', {event}.1)[2])"
    content = _said(event, "content")
    answer = (
        f'[concat(\'{{"type":"tool_call_response","id":\', toJSONString({_said(event, "id")}), '
        f"',\"response\":', toJSONString({content}), '}}')]"
    )
    spoken = f"arrayConcat({_text_part(content)}, {_tool_calls(_said(event, 'tool_calls'))})"
    return _message(role, f"if({event}.1 = 'gen_ai.tool.message', {answer}, {spoken})")


def _choice(event: str) -> str:
    message = _said(event, "message")
    content = f"firstNonDefault(JSONExtractString({message}, 'content'), {_said(event, 'content')})"
    calls = f"firstNonDefault(JSONExtractRaw({message}, 'tool_calls'), {_said(event, 'tool_calls')})"
    return _message(
        "'assistant'", f"arrayConcat({_text_part(content)}, {_tool_calls(calls)})", _said(event, "finish_reason")
    )


def _joined(messages: str) -> str:
    return f"if(empty({messages}), '', concat('[', arrayStringConcat({messages}, ','), ']'))"


def _of_event(name: str, key: str) -> str:
    event = f"arrayFirst(e -> e.1 = {quoted(name)}, happened)"
    return f"({event}).4[indexOf(({event}).3, {quoted(key)})]"


def _object(keys: str, texts: str) -> str:
    pairs = f"arrayMap((k, v) -> concat(toJSONString(k), ':', v), {keys}, {texts})"
    return f"if(empty({keys}), '', concat('{{', arrayStringConcat({pairs}, ','), '}}'))"


def _preview(column: str, text: str) -> dict[str, str]:
    """Return what the last message says. An older shape is looked for only where the newer is not found: the lambda
    runs over nothing elsewhere, and reading JSON is what costs most here.
    """
    if text == "''":
        return {column: "''"}
    return {
        f"{column}_listed": f"if(startsWith({text}, '['), {text}, '')",
        f"{column}_said": f"JSONExtractString({column}_listed, -1, 'parts', 1, 'content')",
        f"{column}_older": f"arrayMap(t -> JSONExtractString(t, -1, 'content'), "
        f"if({column}_said = '' AND {column}_listed != '', [{column}_listed], []))[1]",
        column: f"leftUTF8(firstNonDefault({column}_said, {column}_older, {text}), {_PREVIEW})",
    }


def _settings(traits: Traits) -> dict[str, str]:
    if not traits.parameters:
        return {"setting_flags": "arrayMap(k -> 0, keys)", "settings_json": "''"}
    parameters = tuple(prefix for convention in CONVENTIONS for prefix in convention.parameters)
    return {
        "setting_flags": f"arrayMap((k, n) -> n = 0 AND ({begins(parameters)}), keys, numbers)",
        "settings_json": _object(
            f"arrayMap(k -> replaceRegexpOne(k, '^({'|'.join(p.replace('.', '[.]') for p in parameters)})', "
            f"''), arrayFilter((k, f) -> f, keys, setting_flags))",
            "arrayMap(v -> if(isValidJSON(v), v, toJSONString(v)), arrayFilter((v, f) -> f, texts, setting_flags))",
        ),
    }


def _properties(traits: Traits) -> dict[str, str]:
    if not traits.properties:
        nothing = "CAST(map(), 'Map(String, String)')"
        return {"property_flags": "arrayMap(k -> 0, keys)", "property_map": nothing}
    return {
        "property_flags": f"arrayMap(k -> startsWith(k, {quoted(PROPERTY_PREFIX)}), keys)",
        "property_map": f"mapFromArrays(arrayMap(k -> substring(k, {len(PROPERTY_PREFIX) + 1}), arrayFilter((k, "
        f"f) -> f, keys, property_flags)), "
        "arrayFilter((v, f) -> f, texts, property_flags))",
    }


def _told(traits: Traits) -> dict[str, str]:
    """Return input and output, wherever a generation of the convention puts them."""
    system = traits.text(Field.SYSTEM_INSTRUCTIONS)
    told, answer = traits.text(Field.INPUT), traits.text(Field.OUTPUT)
    columns = {}
    if traits.events:
        details = "gen_ai.client.inference.operation.details"
        asked = f"arrayMap(m -> {_input_message('m')}, arrayFilter(e -> e.1 IN ({_INPUT_EVENTS}), happened))"
        answered = f"arrayMap(m -> {_choice('m')}, arrayFilter(e -> e.1 = 'gen_ai.choice', happened))"
        columns = {
            "asked": f"if(empty(span.events), [], {asked})",
            "answered": f"if(empty(span.events), [], {answered})",
        }
        told = first(
            told,
            _of_event(details, "gen_ai.input.messages"),
            _joined("asked"),
            _of_event("gen_ai.content.prompt", "gen_ai.prompt"),
        )
        answer = first(
            answer,
            _of_event(details, "gen_ai.output.messages"),
            _joined("answered"),
            _of_event("gen_ai.content.completion", "gen_ai.completion"),
        )
    if system != "''":
        message = f'concat(\'{{"role":"system","parts":\', {system}, \'}}\')'
        columns["said"] = told
        told = (
            f"multiIf({system} = '', said, said = '', concat('[', {message}, ']'), "
            f"startsWith(said, '['), concat('[', {message}, ',', substring(said, 2)), said)"
        )
    columns |= {"input_text": told, "output_text": answer}
    columns |= _preview("input_start", "input_text" if told != "''" else told)
    columns |= _preview("output_start", "output_text" if answer != "''" else answer)
    return columns


def _finish(traits: Traits) -> str:
    reasons = traits.text(Field.FINISH_REASONS)
    other = _of_event("gen_ai.choice", "finish_reason") if traits.events else "''"
    if reasons == "''":
        return other
    listed = f"arrayStringConcat(JSONExtract({reasons}, 'Array(String)'), ',')"
    return f"if(startsWith({reasons}, '['), {listed}, {first(reasons, other)})"


def _events(traits: Traits) -> dict[str, str]:
    if not traits.events:
        return {"events_json": "''"}
    event_json = (
        'concat(\'{"name":\', toJSONString(e.1), \',"time_unix_nano":"\', toString(e.2), \'","attributes":\', '
        "toJSONString(mapFromArrays(e.3, e.4)), '}')"
    )
    return {
        "told_events": f"arrayFilter(e -> e.1 NOT IN ({_CONSUMED_EVENTS}), happened)",
        "events_json": f"if(empty(told_events), '', concat('[', arrayStringConcat(arrayMap(e -> {event_json}, "
        f"told_events), ','), ']'))",
    }


def content_columns(traits: Traits) -> dict[str, str]:
    """Return column → expression, in the order in which they build on one another."""
    numbers = key_numbers()
    kept = [0, *sorted({numbers[s.key] for field in Field for s in sources(field) if s.kept})]
    usage = tuple(prefix for convention in CONVENTIONS for prefix in convention.usage)
    links = (
        "if(empty(span.links), '', toJSONString(arrayMap(l -> map('trace_id', "
        "lower(hex(l.trace_id)), 'span_id', lower(hex(l.span_id))), span.links)))"
    )
    told_links = f", ('spanmeter.links', {links})" if traits.links else ""
    return {
        **_told(traits),
        "finish_words": _finish(traits),
        **_settings(traits),
        "usage_flags": f"arrayMap(k -> {begins(usage)}, keys)",
        "usage_json": _object(
            "arrayFilter((k, f) -> f, keys, usage_flags)",
            "arrayMap(v -> if(isValidJSON(v), v, toJSONString(v)), arrayFilter((v, f) -> f, texts, usage_flags))",
        ),
        **_properties(traits),
        "other_flags": f"arrayMap((n, s, u, p) -> n IN ({', '.join(map(str, kept))}) AND NOT s AND NOT u AND NOT p, "
        "numbers, setting_flags, usage_flags, property_flags)",
        "other_keys": "arrayConcat(arrayFilter((k, f) -> f, keys, other_flags), "
        "arrayMap(k -> concat('resource.', k), arrayFilter((k, n) -> n = 0, resource_keys, resource_numbers)))",
        "other_texts": "arrayConcat(arrayFilter((v, f) -> f, texts, other_flags), "
        "arrayFilter((v, n) -> n = 0, resource_texts, resource_numbers))",
        "beyond": f"toInt64(length(other_keys)) - {MOST_ATTRIBUTES}",
        "our_pairs": "arrayFilter(p -> p.2 != '', [('otel.scope.name', toValidUTF8(scope_name)), "
        "('otel.scope.version', toValidUTF8(scope_version)), "
        "('spanmeter.attributes_dropped', if(beyond > 0, toString(beyond), ''))"
        f"{told_links}])",
        "attribute_map": f"mapFromArrays(arrayConcat(arraySlice(other_keys, 1, {MOST_ATTRIBUTES}), our_pairs.1), "
        f"arrayConcat(arrayMap(v -> if(length(v) > {_LARGEST_ATTRIBUTE}, concat(toValidUTF8(left(v, "
        f"{_LARGEST_ATTRIBUTE})), ' … cut from ', toString(length(v)), ' bytes'), v), "
        f"arraySlice(other_texts, 1, {MOST_ATTRIBUTES})), our_pairs.2))",
        **_events(traits),
    }
