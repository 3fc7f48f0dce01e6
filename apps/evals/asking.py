"""Asking a model through the gateway: where a rule's evaluator asks, as whom, and what an answer cost.

Every question is a recorded call of the project, marked with the property `spanmeter.evaluation`, so that its cost is
in the project's numbers and no rule judges it. The address is the gateway's own and only the route in it is a setting:
a rule cannot be made to call anywhere else.
"""

import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.accounts.vault import Vault
from apps.evals.evaluators import Ask
from apps.evals.evaluators.judge_client import JudgeEndpoint, judge_over_http
from ingestion.price import price
from ingestion.prices.files import PriceFileError
from ingestion.prices.live import LivePrices
from ingestion.usage import Bucket

__all__ = ["DEFAULT_ROUTE", "Asker", "asker_of_installation", "cost_usd", "endpoint_of", "vault"]

DEFAULT_ROUTE = "openai/v1"
_one_reader = threading.Lock()  # questions are asked side by side, and price files are read by one at a time
Asker = Callable[[str, Mapping[str, Any], Mapping[str, str]], Ask]  # rule id, settings, secrets → the means to ask


def vault() -> Vault:
    """Where the secrets of rules are kept."""
    return Vault(settings.SECRET_KEY, purpose="evaluation rules")


def asker_of_installation() -> Asker:
    """Through this installation's gateway, at the prices in force."""
    gateway, home = settings.SPANMETER_GATEWAY_URL, settings.SPANMETER_HOME

    def asker(rule_id: str, chosen: Mapping[str, Any], secrets: Mapping[str, str]) -> Ask:
        route = str(chosen.get("route") or DEFAULT_ROUTE)
        endpoint = endpoint_of(gateway, rule_id, chosen, secrets)
        return judge_over_http(endpoint, cost_of=partial(_cost, home, route))

    return asker


def endpoint_of(gateway: str, rule_id: str, chosen: Mapping[str, Any], secrets: Mapping[str, str]) -> JudgeEndpoint:
    """Where to ask for one rule: the provider's key for the provider, the project's for the gateway."""
    route = str(chosen.get("route") or DEFAULT_ROUTE)
    return JudgeEndpoint(
        base_url=f"{gateway.rstrip('/')}/{route.strip('/')}",
        key=secrets.get("api_key") or "none",
        model=str(chosen.get("model", "")),
        headers=(
            ("spanmeter-auth", f"Bearer {secrets.get('gateway_key', '')}"),
            ("spanmeter-property-spanmeter.evaluation", rule_id),
            ("spanmeter-trace-name", "evaluation"),
        ),
    )


def cost_usd(home: Path, *, route: str, model: str, tokens_in: Decimal, tokens_out: Decimal) -> Decimal | None:
    """What so many tokens cost today, or None when no list has the model."""
    try:
        with _one_reader:
            book, rates = _prices(home)()
    except PriceFileError:
        return None
    usage: dict[str, Decimal] = {Bucket.INPUT: tokens_in, Bucket.OUTPUT: tokens_out}
    provider = route.strip("/").split("/")[0]
    return price(provider=provider, model=model, usage=usage, at_ns=time.time_ns(), book=book, rates=rates).cost_usd


def _cost(home: Path, route: str, model: str, usage: Mapping[str, Any]) -> Decimal | None:
    given, said = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(given, int) or not isinstance(said, int) or given < 0 or said < 0:
        return None
    return cost_usd(home, route=route, model=model, tokens_in=Decimal(given), tokens_out=Decimal(said))


@cache
def _prices(home: Path) -> LivePrices:
    return LivePrices(home, clock=time.monotonic)
