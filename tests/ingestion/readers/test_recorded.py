"""Every recorded exchange reads as its expected record, whole and cut anywhere."""

import importlib
import pkgutil
from dataclasses import replace
from pathlib import Path

import pytest

import ingestion.providers
from ingestion.envelope import Outcome
from ingestion.exchange import read_exchange
from ingestion.providers.base import Provider
from ingestion.providers.registry import PROVIDERS
from ingestion.providers.routes import ROUTES
from ingestion.usage import Basis
from tests.ingestion.readers.recorded import FOLDER, cases, load, shown

DOCS = Path(__file__).parents[3] / "docs" / "providers.md"
NOT_READERS = {"base", "registry", "routes", "shapes"}


@pytest.mark.parametrize("case", cases())
def test_recorded_exchange(case):
    envelope, expected = load(case)
    record = read_exchange(envelope)
    assert {name: shown(record, name) for name in expected} == expected
    assert "failed" not in record.attributes.get("spanmeter.note", "")


@pytest.mark.parametrize("case", cases())
def test_every_quantity_is_counted_once(case):
    envelope, _ = load(case)
    record = read_exchange(envelope)
    totals = (record.input_tokens or 0) + (record.output_tokens or 0)
    others = {"web_searches", "requests"}
    assert totals == sum(quantity for bucket, quantity in record.usage.items() if bucket not in others)
    assert all(quantity >= 0 for quantity in record.usage.values())


@pytest.mark.parametrize("case", cases())
def test_cut_anywhere_gives_a_record(case):
    envelope, _ = load(case)
    exchange = envelope.exchange
    assert exchange is not None
    body = exchange.response_body
    for cut in {*range(0, len(body), max(1, len(body) // 40)), len(body) - 1}:
        broken = replace(exchange, response_body=body[:cut], response_bytes=cut, outcome=Outcome.UPSTREAM_BROKE)
        record = read_exchange(replace(envelope, exchange=broken))
        assert record.status == "error"
        assert record.usage_basis in set(Basis)
        assert "failed:" not in record.attributes.get("spanmeter.note", "")


def test_every_reader_is_registered_recorded_and_documented():
    modules = {name for _, name, _ in pkgutil.iter_modules(ingestion.providers.__path__)} - NOT_READERS
    assert modules == {reader.name for reader in PROVIDERS}
    docs = DOCS.read_text()
    read_by = {load(case)[1].get("convention") for case in cases()}
    for name in modules:
        module = importlib.import_module(f"ingestion.providers.{name}")
        assert isinstance(
            next(reader for reader in PROVIDERS if reader.name == name), getattr(module, module.__all__[0])
        )
        assert f"`{name}`" in docs, f"docs/providers.md does not mention {name}"
        assert name in read_by, f"no recorded exchange in {FOLDER.name}/ names {name} as its convention"


def test_every_route_is_documented():
    docs = DOCS.read_text()
    assert {
        route.name for route in ROUTES if f"| `{route.name}` | `{route.origin}{route.base_path}`" not in docs
    } == set()


def test_readers_keep_the_protocol():
    for reader in PROVIDERS:
        typed: Provider = reader
        assert typed.name
        assert callable(typed.recognises)


def test_the_last_reader_takes_everything_and_only_the_last():
    assert PROVIDERS[-1].recognises("GET", "/whatever", "nobody")
    assert not any(reader.recognises("GET", "/whatever", "nobody") for reader in PROVIDERS[:-1])


@pytest.mark.parametrize(
    ("method", "path", "provider", "name"),
    [
        ("POST", "/v1/chat/completions", "openai", "openai_chat"),
        ("POST", "/openai/deployments/gpt4/chat/completions", "custom", "openai_chat"),
        ("POST", "/openai/v1/chat/completions", "groq", "openai_chat"),
        ("POST", "/v1/completions", "custom", "openai_chat"),
        ("POST", "/v1/responses", "openai", "openai_responses"),
        ("GET", "/v1/responses/resp_1", "openai", "openai_responses"),
        ("GET", "/v1/responses/resp_1/input_items", "openai", "unknown"),
        ("POST", "/v1/embeddings", "openai", "openai_embeddings"),
        ("POST", "/v1/messages", "anthropic", "anthropic_messages"),
        ("POST", "/v1/messages", "custom", "anthropic_messages"),
        ("POST", "/v1/messages/count_tokens", "anthropic", "anthropic_messages"),
        ("POST", "/v1/messages/batches", "anthropic", "unknown"),
        ("POST", "/v1/threads/thread_1/messages", "openai", "unknown"),
        ("GET", "/v1/chat/completions", "openai", "unknown"),
    ],
)
def test_which_reader_reads_what(method, path, provider, name):
    assert next(reader for reader in PROVIDERS if reader.recognises(method, path, provider)).name == name
