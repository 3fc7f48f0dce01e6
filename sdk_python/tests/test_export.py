"""From an ended span to the gateway's door: what is sent, when, and what every answer leads to."""

import gc
import json
import logging
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
import spanmeter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider

from .conftest import FakeGateway, serving


@spanmeter.observe
def work(number: int = 0) -> int:
    return number


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def test_a_span_arrives_with_key_and_resource(configured: Any, gateway: FakeGateway) -> None:
    configured(environment="prod", release="1.2", service="shop")
    with spanmeter.context(user_id="u1", tags=["a", "b"], properties={"plan": "free"}):
        work(7)
    assert spanmeter.flush(10)
    (span,) = gateway.spans()
    values = {pair.key: pair.value for pair in span.attributes}
    assert span.name == "work"
    assert values["user.id"].string_value == "u1"
    assert [item.string_value for item in values["spanmeter.tags"].array_value.values] == ["a", "b"]
    assert values["spanmeter.property.plan"].string_value == "free"
    assert json.loads(values["spanmeter.input"].string_value) == {"number": 7}
    resource = gateway.resource()
    assert (resource["deployment.environment.name"], resource["service.version"]) == ("prod", "1.2")
    assert resource["service.name"] == "shop"
    path, headers, _ = gateway.requests[0]
    assert (path, headers["authorization"]) == ("/v1/traces", "Bearer sm-sk-test")
    assert headers["user-agent"].startswith("spanmeter-python/")


def test_it_is_sent_without_being_asked(configured: Any, gateway: FakeGateway) -> None:
    configured()
    work()
    gateway.wait_for(1)
    assert len(gateway.spans()) == 1


def test_a_score_is_an_evaluation_event(configured: Any, gateway: FakeGateway) -> None:
    configured()
    with spanmeter.span("judged") as span, spanmeter.context(user_id="u1"):
        given = spanmeter.score("helpful", 0.5, comment="so so", metadata={"by": "me"})
    spanmeter.score("tone", "warm", session_id="s1")
    spanmeter.score("note", "long text", trace_id=span.trace_id, data_type="text")
    spanmeter.score("ok", True, trace_id=span.trace_id)
    assert spanmeter.flush(10)
    events = {}
    for record in gateway.events():
        assert record.event_name == "gen_ai.evaluation.result"
        values = {pair.key: pair.value for pair in record.attributes}
        events[values["gen_ai.evaluation.name"].string_value] = (record, values)
    record, values = events["helpful"]
    assert (record.trace_id.hex(), record.span_id.hex()) == (span.trace_id, span.span_id)
    assert values["gen_ai.evaluation.score.value"].double_value == 0.5
    assert values["gen_ai.evaluation.explanation"].string_value == "so so"
    assert values["spanmeter.score.id"].string_value == given
    assert values["spanmeter.score.data_type"].string_value == "number"
    assert values["spanmeter.score.source"].string_value == "api"
    assert values["spanmeter.score.metadata.by"].string_value == "me"
    assert values["user.id"].string_value == "u1"
    record, values = events["tone"]
    assert (record.trace_id, values["session.id"].string_value) == (b"", "s1")
    assert values["gen_ai.evaluation.score.label"].string_value == "warm"
    record, values = events["note"]
    assert (record.span_id, values["spanmeter.score.text_value"].string_value) == (b"", "long text")
    assert events["ok"][1]["gen_ai.evaluation.score.value"].double_value == 1.0
    assert events["ok"][1]["spanmeter.score.data_type"].string_value == "boolean"


@pytest.mark.parametrize(
    ("value", "where"),
    [(float("nan"), {"session_id": "s"}), (object(), {"session_id": "s"}), (1, {}), (1, {"trace_id": "xyz"})],
)
def test_a_score_that_is_none_is_told_and_not_sent(
    configured: Any, gateway: FakeGateway, value: Any, where: Any
) -> None:
    configured()
    assert spanmeter.score("s", value, **where) is None
    assert spanmeter.flush(10)
    assert gateway.requests == []
    assert spanmeter.stats()["faults"] == {"score": 1}


def test_the_network_is_away_and_comes_back(configured: Any, tmp_path: Path) -> None:
    port = closed_port()
    configured(base_url=f"http://127.0.0.1:{port}")
    for number in range(3):
        work(number)
        assert not spanmeter.flush(5)
    assert spanmeter.stats()["waiting"] == 3
    files = sorted(path.name for path in (tmp_path / "spool").rglob("*.pb*"))
    assert len(files) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "spool").rglob("*.pb*"))
    with serving(FakeGateway(("127.0.0.1", port))) as back:
        work(3)
        assert spanmeter.flush(10)
        inputs = [json.loads(span.attributes[0].value.string_value)["number"] for span in back.spans()]
    assert inputs == [0, 1, 2, 3], "the oldest first, each once"
    assert list((tmp_path / "spool").rglob("*.pb*")) == []
    assert spanmeter.stats()["delivered"] == 4
    assert spanmeter.stats()["dropped"] == {}


def test_an_answer_that_is_lost_is_sent_again_byte_for_byte(configured: Any, gateway: FakeGateway) -> None:
    configured()
    gateway.hang_up = True
    work()
    assert not spanmeter.flush(5)
    gateway.hang_up = False
    assert spanmeter.flush(5)
    assert len({body for _, _, body in gateway.requests}) == 1
    assert len(gateway.requests) >= 2


def test_busy_is_waited_for_as_long_as_it_asks(configured: Any, gateway: FakeGateway) -> None:
    configured()
    gateway.script = [(429, {"Retry-After": "3600"}, b"")]
    work()
    gateway.wait_for(1)
    work()
    spanmeter.shutdown(5)
    assert len(gateway.requests) == 1, "what came later went to the disk without a try"
    assert spanmeter.stats()["waiting"] == 2


def test_what_is_refused_is_dropped_and_counted(
    configured: Any, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    configured()
    gateway.script = [(401, {}, b"no such key"), (413, {}, b"too large")]
    with caplog.at_level(logging.WARNING, "spanmeter"):
        for _ in range(2):
            work()
            assert not spanmeter.flush(5)
    assert spanmeter.stats()["dropped"] == {"refused_401": 1, "refused_413": 1}
    assert "no such key" in caplog.text
    work()
    assert spanmeter.flush(5)


def test_partial_success_is_read(configured: Any, gateway: FakeGateway) -> None:
    configured(interval=5)
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 1
    answer.partial_success.error_message = "one had no id"
    gateway.script = [(200, {}, answer.SerializeToString())]
    work()
    work()
    assert not spanmeter.flush(5)
    assert spanmeter.stats()["dropped"] == {"rejected": 1}
    assert spanmeter.stats()["delivered"] == 1


def test_the_queue_is_bounded(configured: Any, gateway: FakeGateway) -> None:
    configured(queue_spans=10, batch_spans=1000, interval=30)
    for _ in range(50):
        work()
    assert not spanmeter.flush(5) or spanmeter.stats()["dropped"] == {"queue_full": 40}
    stats = spanmeter.stats()
    assert stats["delivered"] == len(gateway.spans()) == 10
    assert stats["dropped"] == {"queue_full": 40}


def test_the_queue_is_bounded_in_bytes(configured: Any) -> None:
    configured(queue_bytes=100_000, interval=30)
    for _ in range(50):
        with spanmeter.span("big", attributes={"text": "x" * 20_000}):
            pass
    assert spanmeter.stats()["dropped"]["queue_full"] >= 40


def test_large_batches_are_several_requests(configured: Any, gateway: FakeGateway) -> None:
    configured(batch_bytes=50_000, interval=30, compression=False)
    for _ in range(10):
        with spanmeter.span("big", attributes={"text": "x" * 20_000}):
            pass
    assert spanmeter.flush(10)
    assert len(gateway.spans()) == 10
    assert max(len(body) for _, _, body in gateway.requests) < 60_000


def test_the_spool_is_bounded(configured: Any) -> None:
    configured(base_url=f"http://127.0.0.1:{closed_port()}", spool_bytes=2000, compression=False)
    for _ in range(10):
        with spanmeter.span("big", attributes={"text": "x" * 600}):
            pass
        spanmeter.flush(5)
    stats = spanmeter.stats()
    assert stats["waiting"] == 2
    assert stats["dropped"] == {"no_room": 8}


def test_without_a_directory_it_waits_in_memory(
    configured: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no directory")
    port = closed_port()
    configured(base_url=f"http://127.0.0.1:{port}", spool_directory=tmp_path / "file" / "spool")
    assert "memory" in caplog.text
    work()
    assert not spanmeter.flush(5)
    with serving(FakeGateway(("127.0.0.1", port))) as back:
        assert spanmeter.flush(5)
        assert len(back.spans()) == 1


def test_text_that_is_no_text_is_sent_all_the_same(configured: Any, gateway: FakeGateway) -> None:
    configured()
    with spanmeter.span("half \ud800", attributes={"a\udfff": "b\ud800", "big": 2**80, "nan": float("nan")}):
        pass
    assert spanmeter.flush(5)
    (span,) = gateway.spans()
    assert span.name == "half ?"
    assert {pair.key: pair.value.string_value for pair in span.attributes}["big"] == str(2**80)


def test_what_cannot_be_encoded_is_counted(configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(interval=30)

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise ValueError("no such field")

    monkeypatch.setattr("spanmeter._configure.encode_spans", broken)
    work()
    work()
    assert not spanmeter.flush(5)
    assert spanmeter.stats()["dropped"] == {"not_encodable": 2}


def test_a_span_that_ends_inside_the_collector(configured: Any, gateway: FakeGateway) -> None:
    configured()

    @spanmeter.observe
    def stream() -> Any:
        yield 1

    for _ in range(50):
        held = stream()
        next(held)
        cycle: list[Any] = [held]
        cycle.append(cycle)
    del held, cycle
    gc.collect()
    assert spanmeter.flush(5)
    assert len(gateway.spans()) == 50


def test_many_threads(configured: Any, gateway: FakeGateway) -> None:
    configured(queue_spans=100_000)
    threads = [threading.Thread(target=lambda: [work(n) for n in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spanmeter.flush(20)
    assert len({span.span_id for span in gateway.spans()}) == len(gateway.spans()) == 1600


def test_an_existing_provider_keeps_what_it_has(configured: Any, gateway: FakeGateway) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    theirs = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(theirs))
    configured(tracer_provider=provider)
    configured(tracer_provider=provider)  # once more, for nothing
    with provider.get_tracer("app").start_as_current_span("request"), spanmeter.context(session_id="s"):
        work()
        with provider.get_tracer("app").start_as_current_span("query"):
            pass
    assert spanmeter.flush(5)
    assert sorted(span.name for span in gateway.spans()) == ["query", "request", "work"]
    assert sorted(span.name for span in theirs.get_finished_spans()) == ["query", "request", "work"]
    query = next(span for span in gateway.spans() if span.name == "query")
    assert {pair.key for pair in query.attributes} == {"session.id"}


def test_other_settings_change_over(configured: Any, gateway: FakeGateway) -> None:
    provider = configured(environment="a")
    work()
    configured(environment="b", tracer_provider=provider)
    work()
    assert spanmeter.flush(5)
    assert len(gateway.spans()) == 2
    assert spanmeter.shutdown(5)
    work()
    assert len(gateway.spans()) == 2


def run(script: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    source = Path(spanmeter.__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        env={"PYTHONPATH": str(source), "PATH": ""},
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def test_the_end_of_a_program_sends_what_is_left(gateway: FakeGateway, tmp_path: Path) -> None:
    script = """
        import sys, spanmeter
        spanmeter.configure(base_url=sys.argv[1], api_key="sm-sk-x", spool_directory=sys.argv[2], interval=60)
        with spanmeter.span("last"):
            pass
    """
    done = run(script, gateway.url, str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [span.name for span in gateway.spans()] == ["last"]
    done = run(script, f"http://127.0.0.1:{closed_port()}", str(tmp_path))
    assert done.returncode == 0
    assert len(list(tmp_path.rglob("*.pb"))) == 1


def test_the_end_does_not_wait_for_a_server_that_hangs_and_loses_nothing(configured: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configured(base_url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=30)
        work(1)
        held, _ = silent.accept()  # the request is under way, and nobody will answer it
        assert held.recv(4)
        work(2)
        assert not spanmeter.shutdown(0.2)
        files = sorted((tmp_path / "spool").rglob("*.traces.pb*"))
        assert len(files) == 2
        held.close()


def test_a_forked_child_sends_its_own_and_only_its_own(gateway: FakeGateway, tmp_path: Path) -> None:
    script = """
        import os, sys, warnings
        warnings.simplefilter("ignore")
        import spanmeter
        spanmeter.configure(base_url=sys.argv[1], api_key="sm-sk-x", spool_directory=sys.argv[2], interval=60)
        with spanmeter.span("before"):
            pass
        child = os.fork()
        with spanmeter.span("child" if child == 0 else "parent"):
            pass
        if child == 0:
            os._exit(0 if spanmeter.flush(10) else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert spanmeter.flush(10)
    """
    done = run(script, gateway.url, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(span.name for span in gateway.spans()) == ["before", "child", "parent"]


def test_two_processes_share_what_waits_and_deliver_each_file_once(gateway: FakeGateway, tmp_path: Path) -> None:
    leave = """
        import os, signal, sys, spanmeter
        spanmeter.configure(base_url=sys.argv[1], api_key="sm-sk-x", spool_directory=sys.argv[2], interval=60)
        for number in range(20):
            with spanmeter.span(f"n{number}"):
                pass
            spanmeter.flush(5)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    gateway.script = [(503, {}, b"")] * 20
    assert run(leave, gateway.url, str(tmp_path)).returncode == -9
    assert len(list(tmp_path.rglob("*.pb"))) == 20
    gateway.script.clear()
    gateway.requests.clear()
    take = """
        import sys, time, spanmeter
        spanmeter.configure(base_url=sys.argv[1], api_key="sm-sk-x", spool_directory=sys.argv[2], interval=0.05)
        deadline = time.monotonic() + 30
        while spanmeter.stats()["waiting"] and time.monotonic() < deadline:
            spanmeter.flush(5)
    """
    takers = [threading.Thread(target=run, args=(take, gateway.url, str(tmp_path))) for _ in range(3)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    names = [span.name for span in gateway.spans()]
    assert sorted(names) == sorted(f"n{number}" for number in range(20))
    assert names == [f"n{number}" for number in range(20)]


def test_a_server_that_stumbles_over_one_body_does_not_hold_up_the_others(
    configured: Any, gateway: FakeGateway
) -> None:
    configured(interval=30)
    gateway.script = [(500, {}, b"")] * 7
    work(1)
    for _ in range(6):
        spanmeter.flush(5)
    work(2)
    spanmeter.flush(5)
    spanmeter.flush(5)
    assert spanmeter.stats()["dropped"] == {"refused_500": 1}
    assert spanmeter.stats()["waiting"] == 0
