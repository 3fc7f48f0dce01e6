"""What the demo has to show: asked of the API until it is there, and said in lines."""

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import httpx

from apps.config.demo.desk import Shown

__all__ = ["findings", "links", "settled", "visible_costs", "visible_scores"]

_PAUSE = 0.2


def settled(api: httpx.Client, *, seconds: float) -> bool:
    """Wait until all that was accepted is written; False when the time was too short. Call it after the last program.

    What has been answered is in the spool, and an answer that is still being read is in flight, so both being empty
    leaves nothing out. A trace itself is no sign: it can be seen as soon as one of its spans is written.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = api.get("/api/v1/ledger")
        ledger: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        if ledger and ledger["balanced"] and not ledger["spooled"] and not ledger["in_flight"]:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)


def visible_costs(api: httpx.Client, shown: Sequence[Shown]) -> dict[str, str]:
    """Return what each trace cost. Right only when all is settled."""
    costs: dict[str, str] = {}
    for one in shown:
        answer = api.get(f"/api/v1/traces/{one.trace_id}")
        if answer.status_code == 200:
            cost = answer.json().get("cost_usd")
            costs[one.trace_id] = f"{cost} USD" if cost is not None else "no cost"
        elif answer.status_code == 404:
            costs[one.trace_id] = "not recorded; the ledger says why"
    return costs


def visible_scores(api: httpx.Client, names: Set[str], *, seconds: float) -> list[dict[str, Any]]:
    """Return the evaluators' scores of the last hour once there is one of each name."""
    deadline = time.monotonic() + seconds
    while True:
        answer = api.get("/api/v1/scores", params={"range": "1h", "source": "evaluator"})
        found: list[dict[str, Any]] = answer.json()["data"] if answer.status_code == 200 else []
        if {str(row["name"]) for row in found} >= names or time.monotonic() >= deadline:
            return found
        time.sleep(_PAUSE)


def links(page: str, shown: Sequence[Shown], costs: Mapping[str, str]) -> Iterator[str]:
    """Where to look: each trace, then the pages. A cost that is not known for certain is not told."""
    for one in shown:
        yield f"{page}/traces/{one.trace_id}/   {one.what}   {costs.get(one.trace_id, 'not settled yet')}"
    yield ""
    yield f"{page}/   the overview"
    yield f"{page}/scores/   what the evaluators and the asker thought of the answers"
    yield f"{page}/alerts/   the incident that the failing calls opened"
    yield f"{page}/gpu/   the model's server, and the bill of its host"
    yield f"{page}/ledger/   what was accepted, written and dropped"


def findings(scores: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What watched the traffic has said."""
    names = sorted({str(score["name"]) for score in scores})
    if names:
        yield f"{len(scores)} scores by evaluators: {', '.join(names)}"
    else:
        yield "no score by an evaluator is visible yet; the worker writes them every 15 seconds"
    for message in told:
        data = message.get("data", {})
        reasons = "; ".join(str(alert.get("reason", "")) for alert in data.get("alerts", ()))
        yield f"a signed webhook arrived: {message.get('type')}, {data.get('rule_name')}: {reasons}"
    if not told:
        yield "no webhook arrived: an earlier demo's incident is still open, or the rule was not looked at yet"
