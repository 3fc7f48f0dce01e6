"""The INSERT … SELECT that makes spans out of numbers: every choice is a hash of the trace's number, so a run can be
repeated. Spans come in the order of time, as they would arrive: a busy noon, a quiet night, one in a hundred up to an
hour late.

A share of 55 % are single calls, the rest agent runs of 3 to 24 spans; users, sessions and models have long tails; 80
% came as OTLP
and 20 % through the gateway, with raw request and response.
"""

from bench.generate.world import ERRORS, MODELS, SERVICES, TAIL_MODELS, TOOLS

__all__ = ["TEXTS", "insert_spans", "make_texts"]

TEXTS = 60_000  # paragraphs that inputs and outputs are drawn from

make_texts = "CREATE TABLE IF NOT EXISTS bench_texts (id UInt32, text String) ENGINE = Join(ANY, LEFT, id)"


def _array(values: list[str]) -> str:
    quoted = ", ".join("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in values)
    return f"[{quoted}]"


def insert_spans() -> str:
    """Return the statement; %(offset)s, %(traces)s, %(project)s, %(days)s, %(total)s and %(end)s are bound."""
    providers, models = _array([m[0] for m in MODELS]), _array([m[1] for m in MODELS])
    input_prices = "[" + ", ".join(f"toDecimal64('{m[2]}', 6)" for m in MODELS) + "]"
    output_prices = "[" + ", ".join(f"toDecimal64('{m[3]}', 6)" for m in MODELS) + "]"
    errors, messages = _array([e[0] for e in ERRORS]), _array([e[2] for e in ERRORS])
    statuses = "[" + ", ".join(str(e[1]) for e in ERRORS) + "]"
    number = f"cityHash64(h, 'text') %% {TEXTS}"
    return f"""
INSERT INTO spans (
    project_id, trace_id, span_id, parent_span_id, start_time, end_time, duration_us, ttft_us, received_at, batch_id,
    request_id, kind, name, source, convention, status, http_status, error_type, error_message, stream, finish_reason,
    provider, model_requested, model, response_id, user_id, session_id, trace_name, environment, release, service, tags,
    agent_name, tool_name, properties, billable, input_tokens, output_tokens, cache_read_tokens, usage, usage_basis,
    token_basis, cost, cost_currency, cost_usd, cost_details, cost_status, cost_reason, price_id, input_preview,
    output_preview, input, output, raw_request, raw_response)
SELECT
    %(project)s, trace_id, span_id, parent_span_id, start_time,
    start_time + toIntervalMicrosecond(duration_us) AS end_time, duration_us,
    if(kind = 'llm' AND stream AND status = 'ok', toUInt64(duration_us * (0.05 + 0.3 * u3)), NULL) AS ttft_us,
    toDateTime64(end_time, 3) AS received_at, intDiv(t, 500) AS batch_id, if(gateway, trace_id, '') AS request_id,
    kind, multiIf(kind = 'llm', concat('chat ', model), kind = 'tool', concat('execute_tool ', tool_name),
        kind = 'agent', concat('invoke_agent ', service), kind = 'embedding', 'embeddings', 'retrieve') AS name,
    if(gateway, 'gateway', 'otlp') AS source, if(gateway, '', 'otel_genai') AS convention, status, http_status,
    if(failed, arrayElement({errors}, which), '') AS error_type, if(failed, arrayElement({messages}, which), '')
        AS error_message,
    stream, multiIf(kind != 'llm' OR failed, '', h %% 40 = 0, 'length', h %% 9 = 0, 'tool_calls', 'stop')
        AS finish_reason,
    if(calls, provider_name, '') AS provider, if(calls, model_name, '') AS model_requested, if(calls, model_name, '')
        AS model,
    if(calls, concat('resp-', lower(hex(h))), '') AS response_id,
    concat('user-', toString(user)) AS user_id, concat('session-', toString(user), '-', toString(intDiv(t, 7) %% 50))
        AS session_id,
    service AS trace_name, if(th %% 8 = 0, 'staging', 'production') AS environment,
    concat('2026.', toString(1 + intDiv(day, 4))) AS release, service,
    arrayFilter(tag -> cityHash64(th, tag) %% 6 = 0, ['beta', 'mobile', 'batch', 'internal', 'eu', 'retry']) AS tags,
    if(kind = 'agent', service, '') AS agent_name, if(kind = 'tool', tool, '') AS tool_name,
    map('plan', arrayElement(['free', 'team', 'business'], 1 + th %% 3), 'feature',
        concat('feature-', toString(th %% 37))) AS properties,
    kind IN ('llm', 'embedding') AND NOT failed AS billable,
    if(billable, toUInt64(intDiv(length(input), 4) + toUInt64(pow(u1, 6) * 20000)), NULL) AS input_tokens,
    if(billable AND kind = 'llm', toUInt64(intDiv(length(output), 4)), NULL) AS output_tokens,
    if(billable AND h %% 5 = 0, intDiv(input_tokens, 2), NULL) AS cache_read_tokens,
    if(billable, mapFromArrays(['input', 'output'], [toDecimal64(assumeNotNull(input_tokens), 6),
        toDecimal64(ifNull(output_tokens, 0), 6)]), map()) AS usage,
    if(billable, 'provider', 'none') AS usage_basis, '' AS token_basis,
    if(billable AND priced, toDecimal64(multiplyDecimal(toDecimal64(assumeNotNull(input_tokens), 0), input_price, 12)
        / 1000000 + multiplyDecimal(toDecimal64(ifNull(output_tokens, 0), 0), output_price, 12) / 1000000, 12), NULL)
        AS cost,
    if(billable AND priced, 'USD', '') AS cost_currency, cost AS cost_usd,
    if(cost IS NULL, map(), map('input', assumeNotNull(cost))) AS cost_details,
    multiIf(NOT billable, 'not_billable', priced, 'priced', 'unpriced') AS cost_status,
    if(cost_status = 'unpriced', 'no price for this model', '') AS cost_reason,
    if(cost_status = 'priced', concat(provider, '/', model, '/generated'), '') AS price_id,
    substring(asked, 1, 200) AS input_preview, substring(answered, 1, 200) AS output_preview,
    multiIf(kind = 'llm', concat('[{{"role":"system","parts":[{{"type":"text","content":"', prompt,
        '"}}]}},{{"role":"user","parts":[{{"type":"text","content":"', asked, '"}}]}}]'),
        kind = 'tool', concat('{{"query":"', substring(asked, 1, 60), '"}}'), asked) AS input,
    multiIf(failed, '', kind = 'llm', concat('[{{"role":"assistant","parts":[{{"type":"text","content":"', answered,
        '"}}],"finish_reason":"stop"}}]'), kind = 'tool', substring(answered, 1, 300), kind = 'embedding', '', answered)
        AS output,
    if(gateway AND calls, concat('{{"model":"', model_name, '","messages":[{{"role":"system","content":"', prompt,
        '"}},{{"role":"user","content":"', asked, '"}}]}}'), '') AS raw_request,
    if(gateway AND calls AND NOT failed, concat('{{"id":"resp-', lower(hex(h)),
        '","choices":[{{"index":0,"message":{{"role":"assistant","content":"', answered,
        '"}},"finish_reason":"stop"}}]}}'), '') AS raw_response
FROM (
    SELECT *, kind IN ('llm', 'embedding') AS calls, failed_here AND calls AS failed,
        if(failed, 'error', 'ok') AS status,
        multiIf(failed, toUInt16(arrayElement({statuses}, which)), gateway, 200, 0) AS http_status,
        joinGet('bench_texts', 'text', toUInt32({number})) AS asked,
        joinGet('bench_texts', 'text', toUInt32((cityHash64(h, 'answer')) %% {TEXTS})) AS answered,
        joinGet('bench_texts', 'text', toUInt32(cityHash64(service) %% 97)) AS prompt
    FROM (
        SELECT *, cityHash64(t, j, 'span') AS h, h / pow(2, 64) AS u3, 1 + h %% {len(ERRORS)} AS which,
            lpad(lower(hex(h)), 16, '0') AS span_id,
            if(j = 0, '', lpad(lower(hex(cityHash64(t, if(h %% 3 = 0, j - 1, 0), 'span'))), 16, '0')) AS parent_span_id,
            multiIf(j = 0, if(k = 1, 'llm', 'agent'), h %% 10 < 5, 'llm', h %% 10 < 8, 'tool', h %% 10 < 9,
                'retriever', 'embedding') AS kind,
            trace_start + toIntervalMillisecond(j * (200 + h %% 1500)) AS start_time,
            toUInt64(if(kind = 'agent', k * 1400000, 30000 + pow(u3, 5) * 9000000 * if(kind = 'llm', 3, 0.2)))
                AS duration_us,
            h %% 3 > 0 AND kind = 'llm' AS stream, h %% 53 = 0 AS failed_here,
            arrayElement({_array(TOOLS)}, 1 + h %% {len(TOOLS)}) AS tool
        FROM (
            SELECT number + %(offset)s AS t, cityHash64(t, 'trace') AS th, lower(hex(MD5(toString(t)))) AS trace_id,
                cityHash64(t, 1) / pow(2, 64) AS u1, cityHash64(t, 2) / pow(2, 64) AS u2,
                toUInt32(pow(u2, 4) * 200000) AS user, th %% 5 = 0 AS gateway,
                least(t / %(total)s, 1) * %(days)s AS elapsed, toUInt32(%(days)s - floor(elapsed)) AS day,
                elapsed - floor(elapsed) AS u, if(u < 0.5, sqrt(u / 2), 1 - sqrt((1 - u) / 2)) AS hour,
                toDateTime64(%(end)s, 6, 'UTC') - toIntervalMicrosecond(toInt64(86400000000
                    * (%(days)s - floor(elapsed) - hour)) + if(th %% 100 = 0, 1000000 * (th %% 3600), th %% 5000000))
                    AS trace_start,
                multiIf(th %% 100 < 55, 1, th %% 100 < 90, 3 + th %% 6, 8 + th %% 17) AS k,
                toUInt32(pow(cityHash64(t, 7) / pow(2, 64), 2.5) * {len(MODELS) + 1}) AS m,
                m < {len(MODELS)} AS priced, if(priced, m, 0) + 1 AS mi,
                if(priced, arrayElement({models}, mi), concat('ft:gpt-4o-mini:team-', toString(th %% {TAIL_MODELS})))
                    AS model_name,
                if(priced, arrayElement({providers}, mi), 'openai') AS provider_name,
                arrayElement({input_prices}, mi) AS input_price, arrayElement({output_prices}, mi) AS output_price,
                arrayElement({_array(SERVICES)}, 1 + th %% {len(SERVICES)}) AS service
            FROM numbers(%(traces)s)
        ) ARRAY JOIN range(k) AS j
    )
)
"""
