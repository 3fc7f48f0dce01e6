"""The trace page of a self-hosted model: where the call's time went, and the GPU under it; nothing for anybody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.analytics.gpu_moment import ServedMoment, served_moment
from apps.analytics.run import reads
from apps.analytics.spans import span_detail
from ingestion.records import SpanRecord
from ingestion.store.client import Store
from tests.apps.gpu.host import GPU, Host
from tests.apps.visitors import signed_in
from tests.conftest import People
from tests.rows import Bench, call_at

pytestmark = pytest.mark.usefixtures("reading")
H = "gen_ai.server."
S = "spanmeter.serving."


@pytest.fixture
def start() -> datetime:
    """When the call began."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)


@pytest.fixture
def host(store: Store, people: People, start: datetime) -> Host:
    """A GPU and a server, every ten seconds from a minute before the call to a minute after it."""
    host = Host(store, people.project.pk)
    for number in range(-6, 8):
        at = start + timedelta(seconds=number * 10)
        inside = 0 <= number <= 2
        host.add(at, "hw.gpu.utilization", 0.9 if inside else 0.1, labels={**GPU, "hw.gpu.task": "general"})
        host.add(at, "hw.power", 500.0 if inside else 90.0)
        host.add(at, "hw.gpu.memory.usage", 40e9)
        host.add(at, "hw.gpu.memory.limit", 80e9)
        host.add(at, "hw.gpu.utilization", 0.5, host="elsewhere", device="GPU-far")
        host.serve(at, f"{S}requests.running", 3.0)
        host.serve(at, f"{S}kv_cache.utilization", 0.25)
        for name, bound in ((f"{S}queue.duration", "0.2"), (f"{S}prefill.duration", "0.6")):
            host.serve(at, f"{name}.bucket", 10.0 * (number + 6), le=bound)
            host.serve(at, f"{name}.bucket", 10.0 * (number + 6), le="+Inf")
        host.serve(at, f"{H}time_per_output_token.bucket", 10.0 * (number + 6), le="0.04")
        host.serve(at, f"{H}time_per_output_token.bucket", 10.0 * (number + 6), le="+Inf")
    host.flush()
    return host


def call(start: datetime, **more: Any) -> SpanRecord:
    return call_at(start, **{"model": "llama", "seconds": 20.0, "output_tokens": 101, **more})


def seen(people: People, span: SpanRecord) -> ServedMoment | None:
    answer = span_detail(reads(), people.project.pk, span.trace_id, span.span_id)
    assert answer is not None
    return served_moment(reads(), people.project.pk, *answer)


def phases(moment: ServedMoment | None) -> dict[str, tuple[Any, bool]]:
    assert moment is not None
    return {phase.name: (pytest.approx(phase.seconds), phase.estimated) for phase in moment.phases}


def test_the_gpu_under_a_call(people: People, host: Host, rows: Bench, start: datetime) -> None:
    """The mean of the samples while it ran; another host's GPU is not under it."""
    span = call(start)
    rows.spans(span)
    found = seen(people, span)
    assert found is not None
    [gpu] = found.gpus
    assert (gpu.host, gpu.device, gpu.model) == ("node-1", "GPU-1", GPU["hw.model"])
    assert (gpu.utilization, gpu.power) == (pytest.approx(0.9), 500.0)
    assert (gpu.memory_used, gpu.memory_total, gpu.temperature, gpu.apart) == (40e9, 80e9, None, None)
    [server] = found.servers
    assert (server.server, server.running, server.waiting, server.kv_cache) == ("10.0.0.1:8000", 3.0, None, 0.25)


def test_what_a_call_does_not_say_is_estimated_and_marked(
    people: People, host: Host, rows: Bench, start: datetime
) -> None:
    """Medians of the server's histograms at that time; decoding by its own number of tokens."""
    span = call(start)
    rows.spans(span)
    assert phases(seen(people, span)) == {"Queue": (0.1, True), "Prefill": (0.3, True), "Decode": (0.02 * 100, True)}


def test_what_a_call_says_itself_goes_first(people: People, host: Host, rows: Bench, start: datetime) -> None:
    """Its queue and first token; vLLM's attributes; llama.cpp's timings."""
    streamed = call(start, ttft_ns=1_500_000_000, queue_ns=500_000_000, stream=True)
    told = call(
        start,
        attributes={
            "gen_ai.latency.time_in_queue": "0.01",
            "gen_ai.latency.time_in_model_prefill": "0.25",
            "gen_ai.latency.time_in_model_decode": "4.5",
        },
    )
    timed = call(start, raw_response='{"choices": [], "timings": {"prompt_ms": 250.5, "predicted_ms": 1500}}')
    rows.spans(streamed, told, timed)
    assert phases(seen(people, streamed)) == {"Queue": (0.5, False), "Prefill": (1.0, False), "Decode": (18.5, False)}
    assert phases(seen(people, told)) == {"Queue": (0.01, False), "Prefill": (0.25, False), "Decode": (4.5, False)}
    assert phases(seen(people, timed)) == {"Queue": (0.1, True), "Prefill": (0.2505, False), "Decode": (1.5, False)}


def test_a_first_token_less_an_estimated_queue_is_an_estimate(
    people: People, host: Host, rows: Bench, start: datetime
) -> None:
    span = call(start, ttft_ns=1_500_000_000)
    rows.spans(span)
    assert phases(seen(people, span))["Prefill"] == (1.4, True)


@pytest.mark.parametrize(
    "more",
    [{"model": "gpt-4o"}, {"kind": "tool"}, {"model": ""}],
    ids=["another model", "no call of a model", "without a model"],
)
def test_nothing_of_a_span_that_is_not_served_here(
    people: People, host: Host, rows: Bench, start: datetime, more: dict[str, str]
) -> None:
    span = call(start, **more)
    rows.spans(span)
    assert seen(people, span) is None


def test_nothing_when_the_samples_are_over_a_minute_away(
    people: People, host: Host, rows: Bench, start: datetime
) -> None:
    late = call(start + timedelta(minutes=4))
    near = call(start + timedelta(seconds=100), seconds=0.5)
    rows.spans(late, near)
    assert seen(people, late) is None
    found = seen(people, near)
    assert found is not None
    assert found.gpus[0].apart == pytest.approx(30.25, abs=0.01)


def test_of_two_servers_the_named_one_answered(people: People, host: Host, rows: Bench, start: datetime) -> None:
    """By the address in the span; without it both are said, and it is not known which."""
    host.add(start, f"{S}requests.running", 9.0, host="node-2", device="10.0.0.2:8000", model="llama", labels={})
    host.flush()
    unknown = call(start)
    known = call(start, attributes={"server.address": "10.0.0.2", "server.port": "8000"})
    rows.spans(unknown, known)
    both = seen(people, unknown)
    assert both is not None
    assert [server.host for server in both.servers] == ["node-1", "node-2"]
    one = seen(people, known)
    assert one is not None
    assert [server.host for server in one.servers] == ["node-2"]
    assert one.gpus == (), "the GPU of the other host is not under it"


def test_the_trace_page(people: People, host: Host, rows: Bench, start: datetime) -> None:
    """For a member, in page and panel; not for a call to an API; an outsider gets no page."""
    own, other = call(start), call(start, model="gpt-4o")
    rows.spans(own, other)
    client = signed_in(people.bob)
    address = f"/p/{people.project.slug}/traces/{own.trace_id}/?span={own.span_id}"
    part = {"HX-Request": "true", "HX-Target": "span-panel"}
    for page in (client.get(address), client.get(address, headers=part)):
        text = page.content.decode()
        for wanted in ("Self-hosted", "Prefill", "estimated", "NVIDIA H100 80GB HBM3", "500 W", "90.0%"):
            assert wanted in text
    elsewhere = client.get(f"/p/{people.project.slug}/traces/{other.trace_id}/?span={other.span_id}")
    assert "Self-hosted" not in elsewhere.content.decode()
    client.force_login(people.outsider)
    assert client.get(address).status_code == 404


def test_samples_of_another_project_are_not_seen(people: People, store: Store, host: Host, start: datetime) -> None:
    """The same model's name in another project finds no server."""
    theirs = Bench(store, people.other.pk)
    span = call(start)
    theirs.spans(span)
    answer = span_detail(reads(), people.other.pk, span.trace_id, span.span_id)
    assert answer is not None
    assert served_moment(reads(), people.other.pk, *answer) is None
