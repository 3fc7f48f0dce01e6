"""Each server's page → points; servers that are away, loading, of another version, or not what they are called."""

import re
from pathlib import Path

import pytest
from spanmeter.gpu import metric_names as names
from spanmeter.gpu import registry
from spanmeter.gpu.command import source_from
from spanmeter.gpu.fetch import Fetched, NobodyListens
from spanmeter.gpu.mapping import gauge
from spanmeter.gpu.point import Histogram, Instrument, Point
from spanmeter.gpu.registry import SERVERS, server_named
from spanmeter.gpu.serving import Server, ServingSource
from spanmeter.gpu.source import SourceFailed

PAGES = Path(__file__).parent / "pages"
DOCS = Path(__file__).parents[3] / "docs" / "gpu.md"


class Web:
    """Answers by path; a path that is not there is refused."""

    def __init__(self, **answers: Fetched) -> None:
        self.answers = {f"/{path}": answer for path, answer in answers.items()}
        self.asked: list[str] = []

    def __call__(self, url: str) -> Fetched:
        path = re.sub(r"^https?://[^/]+", "", url)
        self.asked.append(path)
        if path not in self.answers:
            raise NobodyListens(f"{url}: connection refused")
        return self.answers[path]


def page_of(name: str) -> Fetched:
    return Fetched(200, (PAGES / f"{name}.txt").read_bytes(), complete=True)


def read(server: str, page: str, **more: Fetched) -> list[Point]:
    return list(ServingSource(server_named(server), "10.0.0.5:9999", get=Web(metrics=page_of(page), **more)).read())


def value(points: list[Point], name: str, **attributes: str) -> float | Histogram:
    wanted = {key.replace("__", "."): text for key, text in attributes.items()}
    found = [p for p in points if p.name == name and wanted.items() <= p.attributes.items()]
    assert len(found) == 1, (name, attributes, found)
    return found[0].value


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_every_server_has_a_page_and_a_place_in_the_docs(server: object) -> None:
    """One more is one file, one line, one page and a row."""
    assert (PAGES / f"{server.name}.txt").exists()
    assert f"| `{server.name}=ADDRESS` |" in DOCS.read_text(encoding="utf-8")
    assert read(server.name, server.name)


def test_vllm() -> None:
    """What the serving page shows, from vLLM."""
    points = read("vllm", "vllm")
    assert value(points, names.RUNNING) == 12
    assert value(points, names.WAITING) == 3
    assert value(points, names.KV_CACHE) == 0.4375
    assert value(points, names.TOKENS, **{"gen_ai.token.type": "output"}) == 45000
    assert value(points, names.CACHED_TOKENS) == 30000
    assert value(points, names.FINISHED, spanmeter__serving__reason="length") == 22
    assert value(points, names.TTFT) == Histogram(332, 36.5, (0.05, 0.1, 0.25, 0.5, 1.0), (100, 150, 60, 20, 2, 0))
    assert value(points, names.TPOT) == Histogram(332, 5.1, (0.01, 0.025, 0.05), (200, 120, 12, 0))
    running = next(p for p in points if p.name == names.RUNNING)
    assert running.attributes["gen_ai.request.model"] == "meta-llama/Llama-3.1-8B-Instruct"
    assert running.attributes["server.port"] == "9999"


def test_older_names_are_known() -> None:
    """A version before the renaming gives the same points."""
    points = read("vllm", "vllm_v0")
    assert value(points, names.KV_CACHE) == 0.125
    assert value(points, names.TPOT) == Histogram(300, 7.7, (0.05, 0.5), (290, 9, 1))


def test_units_are_ours() -> None:
    """MiB, per cent, millijoules and milliseconds are theirs."""
    gpu = read("dcgm", "dcgm")
    assert value(gpu, names.GPU_MEMORY_USAGE) == 71000 * 1024 * 1024
    assert value(gpu, names.ENERGY) == pytest.approx(123456.789)
    assert value(gpu, names.GPU_UTILIZATION, hw__gpu__task="general") == pytest.approx(0.87)
    assert not [p for p in gpu if p.attributes.get("hw.gpu.task") == "encoder"], "NaN is no value"
    triton = read("triton", "triton")
    assert value(triton, names.TTFT) == Histogram(77, 9.0, (0.1, 0.5), (60, 16, 1))
    assert value(triton, names.COMPUTE_TIME) == 2.5
    assert value(read("tgi", "tgi"), names.FINISHED, spanmeter__serving__reason="success") == 45


def test_a_page_without_the_models_name() -> None:
    """The server is asked for it, once it can say."""
    models = Fetched(200, b'{"data":[{"id":"smollm2"}]}', complete=True)
    web = Web(metrics=page_of("llama_cpp"))
    source = ServingSource(server_named("llama_cpp"), "localhost", get=web)
    assert not any("gen_ai.request.model" in p.attributes for p in source.read())
    web.answers["/v1/models"] = models
    assert all(p.attributes["gen_ai.request.model"] == "smollm2" for p in source.read())
    source.read()
    assert web.asked.count("/v1/models") == 2
    assert source.place == "localhost:8080"


def test_a_page_of_another_server_is_said() -> None:
    """Nothing is guessed from it."""
    with pytest.raises(SourceFailed, match="10 samples and none that vLLM is known by"):
        ServingSource(server_named("vllm"), "x:1", get=Web(metrics=page_of("dcgm"))).read()
    with pytest.raises(SourceFailed, match="0 samples"):
        ServingSource(server_named("vllm"), "x:1", get=Web(metrics=Fetched(200, b"", complete=True))).read()


@pytest.mark.parametrize("status", [401, 404, 500, 501])
def test_other_answers_are_missing_samples(status: int) -> None:
    """With the status, and what to do where that is known."""
    web = Web(metrics=Fetched(status, b"<html>no</html>", complete=True))
    with pytest.raises(SourceFailed, match=str(status)):
        ServingSource(server_named("llama_cpp"), "x", get=web).read()


def test_a_page_cut_in_a_histogram_gives_no_histogram() -> None:
    """Half of its buckets would be a wrong distribution."""
    content = (PAGES / "vllm.txt").read_bytes()
    cut = content.index(
        b'vllm:time_to_first_token_seconds_bucket{engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct",le="1.0"'
    )
    web = Web(metrics=Fetched(200, content[:cut], complete=False))
    points = ServingSource(server_named("vllm"), "x", get=web).read()
    assert not [p for p in points if p.instrument is Instrument.HISTOGRAM]
    assert [p for p in points if p.name == names.RUNNING]


def test_a_cold_start_is_measured() -> None:
    """From the first refusal for loading to the first page; a server that was ready all along says nothing."""
    now = [1000.0]
    web = Web(metrics=page_of("llama_cpp"))
    source = ServingSource(server_named("llama_cpp"), "x", get=web, clock=lambda: now[0])
    assert names.COLD_START not in {p.name for p in source.read()}
    web.answers["/metrics"] = Fetched(503, b"loading", complete=True)
    assert [p.attributes["spanmeter.serving.state"] for p in source.read()] == ["loading"]
    now[0] += 45
    source.read()
    web.answers["/metrics"] = page_of("llama_cpp")
    assert value(list(source.read()), names.COLD_START) == 45
    assert names.COLD_START not in {p.name for p in source.read()}


def test_a_cold_start_by_the_servers_own_word() -> None:
    """vLLM listens only once it is ready, and says when it began."""
    web = Web()
    source = ServingSource(server_named("vllm"), "x", get=web, clock=lambda: 1.7e9 + 62)
    assert [p.attributes["spanmeter.serving.state"] for p in source.read()] == ["down"]
    web.answers["/metrics"] = page_of("vllm")
    assert value(list(source.read()), names.COLD_START) == 62


def test_an_address_that_is_none() -> None:
    """Said before anything is asked."""
    with pytest.raises(ValueError, match="ftp://x"):
        ServingSource(server_named("vllm"), "ftp://x")
    with pytest.raises(ValueError, match="known are nvml, vllm"):
        server_named("ollama")


def test_one_more_server_is_a_table_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/extending.md promises: a table of names, put into the registry, is a source of the command line."""
    table = (gauge(names.RUNNING, "{request}", "mine_running", labels={"slot": "spanmeter.label.slot"}),)
    mine = Server(name="mine", title="Mine", default_port=7000, table=table)
    monkeypatch.setattr(registry, "SERVERS", (*SERVERS, mine))
    source = source_from("mine=10.0.0.9")
    assert (source.name, source.place) == ("mine", "10.0.0.9:7000")
    page = Fetched(200, b'mine_running{slot="a"} 4\n', complete=True)
    found = list(ServingSource(mine, "10.0.0.9", get=Web(metrics=page)).read())
    assert value(found, names.RUNNING, **{"spanmeter.label.slot": "a"}) == 4
