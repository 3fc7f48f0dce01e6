"""Over time: gaps stay gaps, counters that reset begin at zero, percentiles are those of their own minute."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings

from apps.analytics.gpu_series import Timeline, timeline
from apps.analytics.query import TimeRange
from apps.analytics.run import reads
from apps.gpu.charts import gpu_charts, server_charts
from apps.ui.format import DASH
from ingestion.store.client import Store
from tests.apps.gpu.host import GPU, Host
from tests.apps.visitors import signed_in
from tests.conftest import People

pytestmark = pytest.mark.usefixtures("reading")


@pytest.fixture
def start() -> datetime:
    """The start of a minute, an hour and a half ago."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=90)


@pytest.fixture
def host(store: Store, people: People) -> Host:
    """Nothing yet."""
    return Host(store, people.project.pk)


def read(people: People, start: datetime, minutes: int = 10) -> Timeline:
    span = TimeRange(start, start + timedelta(minutes=minutes))
    return timeline(reads(), people.project.pk, span, zone="UTC")


def at(start: datetime, minute: float) -> datetime:
    return start + timedelta(minutes=minute)


def test_a_missing_sample_is_a_gap_and_a_zero_is_a_zero(host: Host, people: People, start: datetime) -> None:
    """Minute 2 was not measured; in minute 1 the GPU did nothing."""
    for minute, busy in ((0, 0.5), (0.5, 0.7), (1, 0.0), (3, 1.0)):
        host.add(at(start, minute), "hw.gpu.utilization", busy, labels={**GPU, "hw.gpu.task": "general"})
    host.add(start, "hw.gpu.memory.usage", 20e9)
    host.add(start, "hw.gpu.memory.limit", 80e9)
    host.flush()
    found = read(people, start)
    [gpu] = found.gpus
    assert gpu.utilization[:4] == (pytest.approx(0.6), 0.0, None, 1.0)
    assert gpu.memory[:2] == (0.25, None)
    assert set(gpu.power) == {None}
    busy_chart, _, power_chart, *_ = gpu_charts(found, found.gpus, zone="UTC")
    assert busy_chart.figure["data"][0]["y"][:4] == [pytest.approx(0.6), 0.0, None, 1.0]
    assert busy_chart.rows[2][1] == DASH
    assert power_chart.empty


def test_throttling_is_the_share_of_the_time_by_any_reason(host: Host, people: People, start: datetime) -> None:
    """Two reasons of one minute are not added up."""
    for second in range(0, 60, 10):
        moment = at(start, second / 60)
        for reason, on in (("hw_thermal", second < 30), ("sw_power_cap", second < 20)):
            host.add(moment, "hw.gpu.throttled", float(on), labels={**GPU, "spanmeter.gpu.reason": reason})
    host.flush()
    [gpu] = read(people, start).gpus
    assert gpu.throttled[0] == 0.5


def test_counters_become_rates_and_survive_a_reset(host: Host, people: People, start: datetime) -> None:
    """600 tokens a minute; the server restarts in minute 3 and counts from zero; minutes 5 and 6 are not seen."""
    for second in range(-10, 301, 10):
        value = 10.0 * second + 1000 if second < 180 else 10.0 * (second - 180)
        host.serve(at(start, second / 60), "spanmeter.serving.tokens", value, **{"gen_ai.token.type": "output"})
    host.serve(at(start, 7), "spanmeter.serving.tokens", 1200 + 600.0, **{"gen_ai.token.type": "output"})
    host.flush()
    [server] = read(people, start).servers
    assert server.output_rate[:3] == (pytest.approx(10), pytest.approx(10), pytest.approx(10))
    assert server.output_rate[3] == pytest.approx(50 / 60 * 10, rel=0.01), "what was counted before the restart is lost"
    assert server.output_rate[6] is None
    assert server.output_rate[7] == pytest.approx(600 / 120), "the mean over the gap, not a peak after it"
    assert set(server.input_rate) == {None}


def test_percentiles_are_those_of_their_minute(host: Host, people: People, start: datetime) -> None:
    """Fast in minute 0, slow in minute 1, no request in minute 2."""
    counts = {"0.1": 0.0, "1": 0.0, "+Inf": 0.0}
    for minute, more in enumerate(({}, {"0.1": 10, "1": 10, "+Inf": 10}, {"1": 10, "+Inf": 10}, {})):
        for le in counts:
            counts[le] += more.get(le, 0)
            host.serve(at(start, minute - 0.5), "gen_ai.server.time_to_first_token.bucket", counts[le], le=le)
    host.flush()
    [server] = read(people, start).servers
    assert server.ttft_p50[:3] == (pytest.approx(0.05), pytest.approx(0.55), None)
    assert server.ttft_p95[1] == pytest.approx(0.955)


def test_cold_starts_and_preemptions_are_counted(host: Host, people: People, start: datetime) -> None:
    """A minute in which the server was looked at and did not load has no cold start: zero; an unseen one is a gap."""
    for minute in range(4):
        host.serve(at(start, minute), "spanmeter.serving.state", 1, **{"spanmeter.serving.state": "ready"})
        host.serve(at(start, minute), "spanmeter.serving.preemptions", 2.0 * minute)
    host.serve(at(start, 1.2), "spanmeter.serving.cold_start.duration", 45.0)
    host.flush()
    [server] = read(people, start).servers
    assert server.cold_starts[:5] == (0.0, 1.0, 0.0, 0.0, None)
    assert server.cold_seconds[1] == 45.0
    assert server.preemptions[:5] == (None, 2.0, 2.0, 2.0, None)
    chart = server_charts(read(people, start), server, zone="Asia/Kolkata")[-1]
    assert chart.headers == ("Time", "Preemptions", "Cold starts", "Seconds of loading")
    assert chart.rows[1][2:] == ("1", "45")


def test_a_measured_zero_is_drawn(host: Host, people: People, start: datetime) -> None:
    """An idle server's charts are lines at zero, not "nothing"."""
    host.serve(start, "spanmeter.serving.requests.running", 0.0)
    host.serve(start, "spanmeter.serving.requests.waiting", 0.0)
    host.flush()
    found = read(people, start)
    requests, cache, *_ = server_charts(found, found.servers[0], zone="UTC")
    assert not requests.empty
    assert cache.empty


def test_many_gpus_are_the_busiest_and_the_mean_of_the_rest(host: Host, people: People, start: datetime) -> None:
    """Twelve GPUs: seven lines and one."""
    for number in range(12):
        labels = {**GPU, "hw.gpu.index": str(number)}
        host.add(start, "hw.gpu.utilization", number / 20, device=f"GPU-{number:02}", labels=labels)
    host.flush()
    found = read(people, start)
    chart = gpu_charts(found, found.gpus, zone="UTC")[0]
    names = [name for name, _ in chart.legend]
    assert names[:2] == ["node-1 · 11", "node-1 · 10"]
    assert names[7:] == ["mean of 5 others"]
    assert all(not one.legend for one in gpu_charts(found, found.gpus, zone="UTC")[1:]), "the names stand once"
    assert chart.figure["data"][7]["y"][0] == pytest.approx((0 + 1 + 2 + 3 + 4) / 20 / 5)


def test_the_page_draws_one_gpu_or_server_when_asked(
    host: Host, people: People, start: datetime, settings: LazySettings, tmp_path: Path
) -> None:
    """`gpu=` and `server=` narrow the charts; the tables stay whole; an unknown one changes nothing."""
    settings.SPANMETER_HOME = tmp_path
    for device in ("GPU-a", "GPU-b"):
        host.add(start, "hw.gpu.utilization", 0.5, device=device)
    for model in ("llama", "qwen"):
        host.add(start, "spanmeter.serving.requests.running", 1, device="s:1", model=model, labels={})
    host.flush()
    client = signed_in(people.alice)

    def page(**more: str) -> str:
        span = {"from": start.isoformat(), "to": at(start, 30).isoformat()}
        answer = client.get(f"/p/{people.project.slug}/gpu/", {**span, **more})
        assert answer.status_code == 200
        return answer.content.decode()

    assert "GPUs over time" in page()
    assert "GPUs over time" in page(gpu="nowhere/none")
    alone = page(gpu="node-1/GPU-b", server="node-1/s:1/qwen")
    assert "node-1 · GPU-b, over time" in alone
    assert "qwen, over time" in alone
    assert alone.count("GPU-a") >= 1
    client.force_login(people.outsider)
    assert client.get(f"/p/{people.project.slug}/gpu/", {"gpu": "node-1/GPU-b"}).status_code == 404
