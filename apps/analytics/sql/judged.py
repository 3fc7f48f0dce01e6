"""Scores of one name as rows, beside what is known of what they judge: model, prompt, user, service, cost.

The table of scores knows no model. So the scores of the time come first, the last version of each id; the trace index
says in which minutes their traces began; only those minutes of the spans are read. Every part is bound by time and by
number. A correction that moves a score back by more than a day is not noticed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from apps.analytics.query import Field, Filter, TimeRange
from apps.analytics.sql.metrics import CALL
from apps.analytics.sql.where import Where
from apps.analytics.statement import micros

__all__ = ["FEATURE", "FILTERED", "MOST_SCORES", "SCORE_BY", "SCORE_ONLY", "ScoreDimension", "judged"]

MOST_SCORES = 200_000
FEATURE = "feature"  # the property of spans that says which part of an application asked
_CORRECTED = timedelta(days=1)
_EARLIER = timedelta(days=31)  # how long before its score a trace may have begun
_MOST_MINUTES = 600
_MOST_CALLS = 500


@dataclass(frozen=True, slots=True)
class ScoreDimension:
    """What scores are broken down by: an expression over judged rows, and the filter that keeps one of its groups."""

    label: str
    expression: str
    field: Field | None = None


SCORE_BY: dict[str, ScoreDimension] = {
    "model": ScoreDimension("Model", "model", Field.MODEL),
    "provider": ScoreDimension("Provider", "provider", Field.PROVIDER),
    "prompt_version": ScoreDimension(
        "Prompt version", "trim(BOTH ' ' FROM concat(prompt, ' ', prompt_version))", Field.PROMPT
    ),
    "prompt": ScoreDimension("Prompt", "prompt", Field.PROMPT),
    "feature": ScoreDimension("Feature", "feature"),
    "user": ScoreDimension("User", "user_id", Field.USER),
    "service": ScoreDimension("Service", "service", Field.SERVICE),
    "release": ScoreDimension("Release", "release", Field.RELEASE),
    "environment": ScoreDimension("Environment", "environment", Field.ENVIRONMENT),
    "evaluator_version": ScoreDimension(
        "Evaluator version", "trim(BOTH ' ' FROM concat(evaluator, ' ', evaluator_version))"
    ),
    "source": ScoreDimension("Source", "source", Field.SOURCE),
}
SCORE_ONLY = frozenset({"evaluator_version", "source"})  # dimensions and filters that need no span
_FILTERS = {
    Field.MODEL: "model",
    Field.PROVIDER: "provider",
    Field.PROMPT: "prompt",
    Field.USER: "user_id",
    Field.SESSION: "session",
    Field.SERVICE: "service",
    Field.RELEASE: "release",
    Field.ENVIRONMENT: "environment",
    Field.SOURCE: "source",
    Field.TRACE: "trace_id",
    Field.TRACE_NAME: "trace_name",
    Field.AGENT: "agent",
}
FILTERED = (*_FILTERS, Field.TAG)
_OWN = (
    "id, trace_id, span_id, session_id, data_type, value, substringUTF8(text_value, 1, 200) AS category, evaluator, "
    "evaluator_version, source, environment AS own_environment, timestamp, value IS NULL AND text_value = '' AS failed"
)
_KEPT = (
    "id, trace_id, span_id, session_id, data_type, value, category, evaluator, evaluator_version, source, timestamp, "
    "failed"
)
# What the scored span itself says goes before what its trace says: the last call made the answer.
_JOINED = (
    f"{_KEPT}, arrayFirst(one -> one.1 = span_id, calls) AS own, if(own.2 != '', own.2, t_model) AS model, "
    "if(own.2 != '', own.3, t_provider) AS provider, if(own.4 != '', own.4, t_prompt.1) AS prompt, "
    "if(own.4 != '', own.5, t_prompt.2) AS prompt_version, if(own.6 != '', own.6, t_service) AS service, "
    "if(own.1 != '', own.7, t_cost) AS cost, t_user AS user_id, "
    "if(session_id != '', session_id, t_session) AS session, "
    "t_release AS release, t_trace_name AS trace_name, t_agent AS agent, t_feature AS feature, t_tags AS tags, "
    "if(own_environment != '', own_environment, t_environment) AS environment"
)


def judged(
    where: Where, project_id: int, name: str, parts: Sequence[TimeRange], *, filters: Sequence[Filter] = (), spans: bool
) -> str:
    """A subquery of judged rows of the parts of time, in brackets; with `spans` what is known of their spans too, of
    the newest MOST_SCORES.
    """
    whole = TimeRange(min(part.start for part in parts), max(part.end for part in parts))
    project = f"project_id = {where.bind(project_id)}"
    within = f"name = {where.bind(name)} AND {_times(where, parts, whole)}"
    since = f"timestamp >= {_moment(where, whole, before=_CORRECTED)}"
    ids = f"SELECT id FROM scores WHERE {project} AND {within}"
    newest = (
        f"SELECT name, deleted, {_OWN} FROM scores WHERE {project} AND {since} AND id IN ({ids}) "
        "ORDER BY updated_at DESC LIMIT 1 BY id"
    )
    last = f"SELECT * FROM ({newest}) WHERE NOT deleted AND {within}"
    conditions = _conditions(where, filters)
    if not spans and all(one.field is Field.SOURCE for one in filters):
        return f"(SELECT {_KEPT} FROM ({last}){conditions})"
    limit = where.bind(MOST_SCORES)
    last += f" ORDER BY timestamp DESC LIMIT {limit}"
    traces = (
        f"SELECT trace_id FROM scores WHERE {project} AND {within} AND trace_id != '' "
        f"ORDER BY timestamp DESC LIMIT {limit}"
    )
    facts = _facts(where, project, traces, whole)
    joined = f"SELECT {_JOINED} FROM ({last}) AS s LEFT JOIN ({facts}) AS f ON s.trace_id = f.fact_trace"
    return f"(SELECT * FROM ({joined}){conditions})"


def _facts(where: Where, project: str, traces: str, whole: TimeRange) -> str:
    """One row a trace: what its last call and its first spans say, and its calls one by one."""
    first = where.moment(whole.start - _EARLIER)
    last = where.moment(whole.end + _CORRECTED)
    most = where.bind(_MOST_MINUTES)
    extents = (
        "SELECT toStartOfMinute(min(first_start)) AS begins, max(last_start) AS ends FROM trace_index "
        f"WHERE {project} AND trace_id IN ({traces}) GROUP BY trace_id"
    )
    minutes = (
        "SELECT DISTINCT arrayJoin(arrayMap(step -> begins + toIntervalMinute(step), "
        f"range(toUInt32(least(dateDiff('minute', begins, ends) + 1, {most}))))) FROM ({extents})"
    )

    def first_said(column: str) -> str:
        return f"argMinIf({column}, start_time, {column} != '') AS t_{column.removesuffix('_id').removesuffix('_name')}"

    said = ", ".join(first_said(name) for name in ("user_id", "session_id", "service", "release", "environment"))
    unknown = "countIf(billable) = countIf(billable AND cost_usd IS NULL)"
    return (
        f"SELECT trace_id AS fact_trace, {said}, "
        f"argMaxIf(model, end_time, {CALL} AND model != '') AS t_model, "
        f"argMaxIf(provider, end_time, {CALL} AND model != '') AS t_provider, "
        "argMaxIf((prompt_name, prompt_version), end_time, prompt_name != '') AS t_prompt, "
        "argMinIf(trace_name, start_time, trace_name != '') AS t_trace_name, "
        "argMinIf(agent_name, start_time, agent_name != '') AS t_agent, "
        f"argMinIf(properties['{FEATURE}'], start_time, properties['{FEATURE}'] != '') AS t_feature, "
        "groupUniqArrayArray(20)(tags) AS t_tags, "
        f"if({unknown}, NULL, sumIf(toDecimal128(ifNull(cost_usd, toDecimal64(0, 12)), 12), billable)) AS t_cost, "
        f"groupArrayIf({_MOST_CALLS})((span_id, model, provider, prompt_name, prompt_version, service, "
        f"toDecimal128(cost_usd, 12)), {CALL}) AS calls "
        f"FROM spans WHERE {project} AND start_time >= {first} AND start_time < {last} "
        f"AND toStartOfMinute(start_time) IN ({minutes}) AND trace_id IN ({traces}) GROUP BY trace_id"
    )


def _conditions(where: Where, filters: Sequence[Filter]) -> str:
    clauses = []
    for one in filters:
        values = where.bind(list(one.values) if one.field is Field.TAG else one.values)
        clause = f"hasAny(tags, {values})" if one.field is Field.TAG else f"{_FILTERS[one.field]} IN {values}"
        clauses.append(f"NOT ({clause})" if one.negated else clause)
    return f" WHERE {' AND '.join(clauses)}" if clauses else ""


def _times(where: Where, parts: Sequence[TimeRange], whole: TimeRange) -> str:
    """Inside the whole, which the sort key knows by its days, and inside one of the parts."""
    outer = f"timestamp >= {_moment(where, whole)} AND timestamp < {_moment(where, whole, end=True)}"
    if len(parts) == 1:
        return outer
    inner = " OR ".join(
        f"(timestamp >= {_moment(where, part)} AND timestamp < {_moment(where, part, end=True)})" for part in parts
    )
    return f"{outer} AND ({inner})"


def _moment(where: Where, part: TimeRange, *, end: bool = False, before: timedelta = timedelta(0)) -> str:
    value = (part.end if end else part.start) - before
    return f"fromUnixTimestamp64Milli({where.bind(micros(value) // 1000)}, 'UTC')"
