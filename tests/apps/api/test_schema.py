"""The OpenAPI schema, and requests made up from it: no answer breaks its own description, none is a 500."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import schemathesis
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error, response_schema_conformance, status_code_conformance

from apps.accounts import services
from apps.config.wsgi import application
from ingestion.scores import inbox
from ingestion.scores.inbox import ScoreInbox
from ingestion.store.client import Store
from tests.conftest import People
from tests.rows import Bench, call_at

EXAMPLES = 8
BASE = "/api/v1/"
READ = sorted(
    path.removeprefix(BASE) for path, at in SchemaGenerator().get_schema(public=True)["paths"].items() if "get" in at
)


def test_the_schema_is_complete_and_public(client: Client) -> None:
    answer = client.get("/api/v1/schema/", headers={"accept": "application/json"})
    assert answer.status_code == 200
    schema = answer.json()
    assert set(schema["paths"]) == {
        BASE + path
        for path in (
            "overview",
            "metrics/query",
            "traces",
            "traces/{trace_id}",
            "spans",
            "spans/{span_id}",
            "sessions",
            "users",
            "facets",
            "scores",
            "scores/{score_id}",
            "scores/names",
            "scores/trend",
            "ledger",
            "drops",
            "rules",
            "rules/{rule_id}",
            "rules/{rule_id}/backtest",
            "incidents",
            "incidents/{incident_id}",
            "channels",
            "channels/{channel_id}",
            "deliveries",
            "deliveries/{delivery_id}",
            "silences",
            "silences/{silence_id}",
            "evaluators",
            "evaluation-rules",
            "evaluation-rules/{rule_id}",
            "backfills",
            "backfills/{backfill_id}",
            "gpu/samples",
            "gpu/fleet",
            "gpu/serving",
            "gpu/cost",
        )
    }
    trace = schema["components"]["schemas"]["TraceRow"]["properties"]
    assert trace["cost_usd"]["type"] == "string"
    assert trace["cost_usd"]["nullable"] is True
    assert trace["spans"]["type"] == "integer"


def assert_answered_as_described(people: People, method: str, path: str, *, examples: int) -> None:
    """Whatever is asked with a key of Alice's project, the answer is one that the schema has."""
    secret = services.key_issue(project=people.project, name="test", created_by=None).secret
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
    operation = schema[BASE + path][method]

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
    )
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy())
        answer = case.call(headers={"authorization": f"Bearer {secret}"})
        case.validate_response(
            answer, checks=[not_a_server_error, response_schema_conformance, status_code_conformance]
        )

    ask()


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("path", READ)
def test_made_up_requests_get_answers_as_described(people: People, store: Store, path: str) -> None:
    Bench(store, people.project.pk).spans(call_at(datetime.now(UTC) - timedelta(minutes=1)))
    assert_answered_as_described(people, "GET", path, examples=EXAMPLES)


@pytest.mark.usefixtures("reading")
def test_made_up_scores_get_answers_as_described(people: People, tmp_path: Path) -> None:
    box = ScoreInbox(tmp_path / "spool", total_bytes=1 << 26, segment_bytes=1 << 20, sync=False)
    inbox.install(lambda: box)
    assert_answered_as_described(people, "POST", "scores", examples=40)
    box.close()
