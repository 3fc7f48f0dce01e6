"""GPUs, served models and bills: API and page over a real store; an outsider sees nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.accounts.models import Project
from apps.analytics.gpu import quantile
from ingestion.store.client import Store
from tests.apps.gpu.host import GPU, SERVER, Host
from tests.apps.visitors import holding_a_key, signed_in
from tests.conftest import People
from tests.rows import Bench, call_at

Get = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("reading")


@pytest.fixture
def start() -> datetime:
    """An hour that has passed."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


@pytest.fixture
def host(store: Store, people: People, start: datetime) -> Host:
    """An hour of one GPU and one server; half of it throttled, a cold start of a minute, a counter that reset."""
    host = Host(store, people.project.pk)
    for minute in range(61):
        at = start + timedelta(minutes=minute)
        host.add(at, "hw.gpu.utilization", minute / 60, labels={**GPU, "hw.gpu.task": "general"}, unit="1")
        host.add(at, "hw.power", 400.0)
        host.add(at, "hw.gpu.memory.usage", 20e9)
        host.add(at, "hw.gpu.memory.limit", 80e9)
        host.add(at, "hw.gpu.throttled", float(minute % 2), labels={**GPU, "spanmeter.gpu.reason": "sw_power_cap"})
        host.add(at, "hw.status", 1, labels={**GPU, "hw.state": "ok"})
        host.add(at, "hw.energy", 24_000.0 * (minute if minute < 30 else minute - 30), instrument="counter")
        host.serve(at, "spanmeter.serving.requests.running", 2.0)
        host.serve(at, "spanmeter.serving.state", 1, **{"spanmeter.serving.state": "ready"})
        host.serve(at, "spanmeter.serving.tokens", 1000.0 * minute, **{"gen_ai.token.type": "output"})
        for le, count in {"0.1": 5.0, "0.5": 10.0, "+Inf": 10.0}.items():
            host.serve(at, "gen_ai.server.time_to_first_token.bucket", count * minute, le=le)
    host.serve(start + timedelta(minutes=1), "spanmeter.serving.cold_start.duration", 60.0)
    host.flush()
    return host


def get_as(project: Project) -> Get:
    client = holding_a_key(project)
    return lambda path, **parameters: client.get(f"/api/v1/gpu/{path}", parameters)


@pytest.fixture
def get(people: People, settings: LazySettings, tmp_path: Path) -> Get:
    """Ask with a key of Alice's project; the installation has no prices yet."""
    settings.SPANMETER_HOME = tmp_path
    return get_as(people.project)


def hour(start: datetime) -> dict[str, str]:
    return {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()}


def price(tmp_path: Path, per_hour: str = "3600", extra: str = "") -> None:
    (tmp_path / "gpu_prices").mkdir(exist_ok=True)
    (tmp_path / "gpu_prices" / "ours.toml").write_text(
        f'[[gpu_price]]\ngpu = "h100"\nper_hour = "{per_hour}"\ncurrency = "USD"\nvalid_from = 2020-01-01\n{extra}'
    )


def test_the_fleet(get: Get, host: Host, start: datetime) -> None:
    """What was measured, and null for what was not."""
    [gpu] = get("fleet", **hour(start)).json()["data"]
    assert (gpu["host"], gpu["device"], gpu["model"], gpu["state"]) == ("node-1", "GPU-1", GPU["hw.model"], "ok")
    assert (gpu["power"], gpu["memory_used"], gpu["memory_total"]) == (400.0, 20e9, 80e9)
    assert gpu["utilization"] == pytest.approx(59 / 60)
    assert gpu["throttled"]["sw_power_cap"] == pytest.approx(0.5)
    assert gpu["joules"] == 24_000.0 * 29 + 24_000.0 * 29, "a reset counter begins at zero"
    assert gpu["temperature"] is None


def test_the_served_model(get: Get, host: Host, start: datetime) -> None:
    """Quantiles from buckets, tokens from counters."""
    [server] = get("serving", **hour(start)).json()["data"]
    assert (server["model"], server["server"], server["kind"]) == ("llama", "10.0.0.1:8000", "vllm")
    assert (server["state"], server["running"], server["cold_start"]) == ("ready", 2.0, 60.0)
    assert server["output_tokens"] == 59_000
    assert server["output_tokens_per_second"] == pytest.approx(1000 / 60)
    assert (server["ttft_p50"], server["ttft_p95"]) == (pytest.approx(0.1), pytest.approx(0.46))
    assert server["tpot_p50"] is None
    assert server["waiting"] is None


def test_the_bill_is_divided(
    get: Get, host: Host, people: People, store: Store, start: datetime, tmp_path: Path
) -> None:
    """A dollar a second: the loading minute, two calls that share, and the rest is idle."""
    rows = Bench(store, people.project.pk)
    at = start + timedelta(minutes=10)
    big = call_at(at, seconds=100, model="llama", input_tokens=200, output_tokens=100)
    small = call_at(at, seconds=100, model="llama", input_tokens=90, output_tokens=10)
    rows.spans(big, small, call_at(at, seconds=500, model="gpt-4o"))
    price(tmp_path)
    [cost] = get("cost", grid="IND", pue="1.5", **hour(start)).json()["data"]
    assert (cost["bill"], cost["requests"], cost["cold_start"], cost["idle"]) == ("3600", "100", "60", "3440")
    assert Decimal(cost["requests"]) + Decimal(cost["idle"]) + Decimal(cost["cold_start"]) == Decimal(cost["bill"])
    assert [(one["span_id"], one["amount"]) for one in cost["dearest"]] == [(big.span_id, "75"), (small.span_id, "25")]
    assert (cost["tokens"], cost["per_million_tokens"], cost["calls"]) == (400, "9000000", 2)
    assert cost["price_ids"] == ["h100@2020-01-01#ours"]
    assert Decimal(cost["co2_grams"]) == Decimal(cost["kwh"]) * Decimal("1.5") * 713
    assert cost["joules_per_token"] == pytest.approx(cost["joules"] / 400)


def test_a_load_before_the_first_answer_is_on_the_bill(
    get: Get, store: Store, people: People, start: datetime, tmp_path: Path
) -> None:
    """A host without a GPU, rented as a whole; while it loads its server names no model yet."""
    host = Host(store, people.project.pk)
    for second in range(0, 600, 10):
        at = start + timedelta(seconds=600 + second)
        state = "loading" if second < 60 else "ready"
        model = "" if second < 60 else "llama"
        labels = {**SERVER, "spanmeter.serving.state": state}
        host.add(at, "spanmeter.serving.state", 1, host="cpu", device="c:1", model=model, labels=labels)
    at = start + timedelta(seconds=660)
    host.add(at, "spanmeter.serving.cold_start.duration", 60.0, host="cpu", device="c:1", model="llama", labels=SERVER)
    host.flush()
    price(tmp_path, extra='[[gpu_price]]\nhost = "cpu"\nper_hour = "3600"\ncurrency = "USD"\nvalid_from = 2020-01-01\n')
    [server] = get("serving", **hour(start)).json()["data"]
    assert (server["model"], server["state"]) == ("llama", "ready")
    [cost] = get("cost", **hour(start)).json()["data"]
    assert (cost["bill"], cost["cold_start"], cost["idle"], cost["requests"]) == ("590", "60", "530", "0")
    assert cost["per_million_tokens"] is None


def test_without_a_price_the_bill_is_unknown_and_not_zero(
    get: Get, host: Host, start: datetime, tmp_path: Path
) -> None:
    """With the reason; and a wrong file is said."""
    answer = get("cost", **hour(start)).json()
    assert answer["data"][0]["bill"] is None
    assert "no price for NVIDIA H100" in answer["data"][0]["reason"]
    assert answer["data"][0]["joules"] > 0
    price(tmp_path, per_hour="much")
    assert "per_hour = 'much'" in get("cost", **hour(start)).json()["price_problem"]


def test_single_samples_page_by_page(get: Get, host: Host, start: datetime) -> None:
    """Each once, newest first, also where many have one time."""
    only = {"metric": ["hw.power", "hw.gpu.memory.usage", "hw.energy"], **hour(start)}
    seen, cursor = [], ""
    while cursor is not None:
        answer = get("samples", limit=7, cursor=cursor, **only).json()
        seen += [(row["time"], row["metric"]) for row in answer["data"]]
        cursor = answer["next"]
    assert len(seen) == len(set(seen)) == 180
    assert [time for time, _ in seen] == sorted((time for time, _ in seen), reverse=True)
    assert get("samples", host="elsewhere", **hour(start)).json()["data"] == []
    assert get("samples", cursor="x", **hour(start)).status_code == 400


def test_the_outsider_sees_nothing(
    people: People, host: Host, start: datetime, settings: LazySettings, tmp_path: Path
) -> None:
    """Neither by key nor by page."""
    settings.SPANMETER_HOME = tmp_path
    for path in ("samples", "fleet", "serving", "cost"):
        assert get_as(people.other)(path, **hour(start)).json()["data"] == []
    client = signed_in(people.outsider)
    assert client.get(f"/p/{people.project.slug}/gpu/").status_code == 404
    assert Client().get("/api/v1/gpu/fleet").status_code == 401


@pytest.mark.parametrize("wrong", [{"pue": "0"}, {"pue": "x"}, {"grid": "XX"}, {"range": "soon"}])
def test_wrong_parameters_are_named(get: Get, wrong: dict[str, str]) -> None:
    """A 400 that names the parameter."""
    answer = get("cost", **wrong)
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["error"]["message"]


def test_the_page(people: People, host: Host, start: datetime, settings: LazySettings, tmp_path: Path) -> None:
    """Fleet, served model and bill for a member; a way in for a project without a GPU."""
    settings.SPANMETER_HOME = tmp_path
    price(tmp_path)
    client = signed_in(people.bob)
    page = client.get(f"/p/{people.project.slug}/gpu/", hour(start)).content.decode()
    for text in ("NVIDIA H100 80GB HBM3", "sw power cap", "llama", "Cold start", "h100@2020-01-01#ours", "$3,600.00"):
        assert text in page
    assert "None" not in page
    empty = client.get(f"/p/{people.project.slug}/gpu/", {"range": "1m"}).content.decode()
    assert "spanmeter gpu nvml" in empty
    assert client.get(f"/p/{people.project.slug}/gpu/", {"range": "soon"}).status_code == 400


def test_quantiles() -> None:
    """Straight within a bucket; unknown without a value; above the last bound, that bound."""
    inf = float("inf")
    assert quantile([(1.0, 5.0), (2.0, 10.0), (inf, 10.0)], 0.5) == 1.0
    assert quantile([(1.0, 0.0), (2.0, 10.0), (inf, 10.0)], 0.5) == 1.5
    assert quantile([(1.0, 1.0), (inf, 10.0)], 0.9) == 1.0
    assert quantile([], 0.5) is None
    assert quantile([(1.0, 0.0), (inf, 0.0)], 0.5) is None


def test_the_page_puts_the_own_price_beside_apis_and_shows_the_grid(
    people: People, store: Store, start: datetime, settings: LazySettings, tmp_path: Path
) -> None:
    """A known family has offers with their source; an unknown one says so; CO2 by the grid that was chosen."""
    settings.SPANMETER_HOME = tmp_path
    price(tmp_path, per_hour="2")
    host = Host(store, people.project.pk)
    for minute in range(61):
        at = start + timedelta(minutes=minute)
        host.add(at, "hw.power", 1000.0)
        host.add(at, "hw.energy", 60_000.0 * minute, instrument="counter")
        host.add(at, "spanmeter.serving.requests.running", 1, device="s:1", model="Llama-3.1-8B-Instruct", labels={})
        host.add(at, "spanmeter.serving.requests.running", 1, device="s:2", model="ours-finetuned", labels={})
    host.flush()
    call = call_at(start + timedelta(minutes=5), seconds=1800, model="Llama-3.1-8B-Instruct", input_tokens=9_000_000)
    Bench(store, people.project.pk).spans(call)
    client = signed_in(people.alice)
    address = f"/p/{people.project.slug}/gpu/"
    page = client.get(address, {**hour(start), "grid": "deu", "pue": "1.5"}).content.decode()
    for wanted in ("Llama-3.1-8B-Instruct beside APIs", "groq", "genai-prices", "Own price", "381 g of CO"):
        assert wanted in page
    assert "No comparable model in the price book." in page, "of the fine-tuned one"
    assert "CO₂ per million tokens" in page
    assert "CO₂ per million tokens" not in client.get(address, hour(start)).content.decode()
    wrong = client.get(address, {"grid": "XX"})
    assert wrong.status_code == 400
    assert "XX" in wrong.content.decode()
