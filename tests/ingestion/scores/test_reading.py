"""What a score may be, and how one travels: written and read back the same; wrong ones told by field and value."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData

from ingestion.records import ScoreRecord
from ingestion.scores import UnreadableLogs, WrongScore, check, encode_scores, event, parse, read

NOW = 1_780_000_000 * 10**9
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SCORE = ScoreRecord(
    project_id=7,
    id="s-1",
    trace_id=TRACE,
    span_id=SPAN,
    name="helpful",
    data_type="number",
    value=0.5,
    timestamp_ns=NOW - 10**9,
    received_ns=NOW,
    updated_ns=NOW + 1000,
)


def same(text: str) -> str:
    return text


def read_one(record: LogRecord) -> tuple[list[ScoreRecord], list[tuple[str, int, str]]]:
    data = LogsData()
    data.resource_logs.add().scope_logs.add().log_records.append(record)
    found = read(data, project_id=7, received_ns=NOW, body_id=b"body", mask=same)
    return found.scores, [(lost.reason, lost.records, lost.detail) for lost in found.lost]


def event_of(**attributes: object) -> LogRecord:
    record = LogRecord(event_name=event.EVENT, trace_id=bytes.fromhex(TRACE), time_unix_nano=NOW)
    for key, value in attributes.items():
        into = record.attributes.add(key=key.replace("__", ".")).value
        if isinstance(value, float):
            into.double_value = value
        elif isinstance(value, int):
            into.int_value = value
        else:
            into.string_value = str(value)
    return record


_WORDS = st.text(st.characters(codec="utf-8"), max_size=20)


@given(
    kind=st.sampled_from(["number", "boolean", "category", "text"]),
    number=st.floats(allow_nan=False, allow_infinity=False),
    words=_WORDS.filter(bool),
    comment=_WORDS,
    metadata=st.dictionaries(_WORDS.filter(bool), _WORDS.filter(bool), max_size=3),
    deleted=st.booleans(),
    cost=st.one_of(st.none(), st.decimals(0, 1000, places=6)),
)
def test_what_is_written_is_read_back(
    kind: str, number: float, words: str, comment: str, metadata: dict[str, str], deleted: bool, cost: Decimal | None
) -> None:
    value = {"number": number, "boolean": float(number > 0)}.get(kind)
    score = replace(
        SCORE, data_type=kind, value=value, text_value="" if value is not None else words, comment=comment,
        metadata=metadata, deleted=deleted, cost_usd=cost, source="human", author="bob", evaluator="judge",
        evaluator_version="3", environment="staging", session_id="s",
    )  # fmt: skip
    found = read(parse(encode_scores([score]), json=False), project_id=7, received_ns=NOW, body_id=b"", mask=same)
    assert found.lost == []
    assert found.scores == [score]


def test_an_event_of_the_convention_alone() -> None:
    given_ = event_of(
        gen_ai__evaluation__name="Relevance", gen_ai__evaluation__score__value=4.0,
        gen_ai__evaluation__score__label="good", gen_ai__evaluation__explanation="on topic",
    )  # fmt: skip
    (score,), lost = read_one(given_)
    assert lost == []
    assert (score.name, score.data_type, score.value, score.text_value) == ("Relevance", "number", 4.0, "good")
    assert (score.comment, score.trace_id, score.source, len(score.id)) == ("on topic", TRACE, "api", 32)
    assert read_one(given_)[0] == [score]  # a replay makes the same id


def test_an_evaluation_that_failed_has_no_verdict_and_a_reason() -> None:
    (score,), lost = read_one(event_of(gen_ai__evaluation__name="Relevance", error__type="timeout"))
    assert (lost, score.value, score.text_value, score.metadata) == ([], None, "", {"error.type": "timeout"})


def test_a_response_id_is_target_enough() -> None:
    record = event_of(gen_ai__evaluation__name="x", gen_ai__evaluation__score__label="a", gen_ai__response__id="r-1")
    record.trace_id = b""
    (score,), _ = read_one(record)
    assert (score.data_type, score.text_value, score.metadata) == ("category", "a", {"gen_ai.response.id": "r-1"})


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"gen_ai.evaluation.score.value": 1.0}, "name: name has 0 characters"),
        ({"gen_ai.evaluation.name": "x"}, "value: the text is empty"),
        ({"gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": "high"}, "'high', which is no number"),
        ({"gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": float("nan")}, "value=nan is not finite"),
        (
            {
                "gen_ai.evaluation.name": "x",
                "gen_ai.evaluation.score.value": 3,
                "spanmeter.score.data_type": "boolean",
            },
            "value=3.0 is no boolean",
        ),
        (
            {"gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": 3, "spanmeter.score.data_type": "stars"},
            "data_type='stars' is unknown",
        ),
        (
            {"gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": 3, "spanmeter.score.cost_usd": "much"},
            "'much': expected an amount",
        ),
        (
            {"gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": 1, "spanmeter.score.id": "trend"},
            "id: id='trend' is an address of the API",
        ),
    ],
)
def test_a_wrong_score_is_lost_alone_and_says_why(attributes: dict[str, object], says: str) -> None:
    found, lost = read_one(event_of(**{key.replace(".", "__"): value for key, value in attributes.items()}))
    assert found == []
    ((reason, records, detail),) = lost
    assert (reason, records) == ("malformed_score", 1)
    assert says in detail


def test_ids_of_a_wrong_length_are_refused() -> None:
    record = event_of(gen_ai__evaluation__name="x", gen_ai__evaluation__score__value=1.0)
    record.trace_id = b"\1\2"
    assert read_one(record)[1][0][2] == "trace_id: trace_id='0102' is no id"


def test_an_absurd_clock_gives_way_to_the_time_of_receipt() -> None:
    record = event_of(gen_ai__evaluation__name="x", gen_ai__evaluation__score__value=1.0)
    record.time_unix_nano = 5
    assert read_one(record)[0][0].timestamp_ns == NOW


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"resourceLogs": 3}', b'{"resourceLogs": [{"scopeLogs": [4]}]}'])
def test_a_body_that_is_no_request_says_so(body: bytes) -> None:
    with pytest.raises(UnreadableLogs, match="no ExportLogsServiceRequest in JSON"):
        parse(body, json=True)


def test_a_truncated_body_is_refused_or_read_never_worse() -> None:
    whole = encode_scores([SCORE, SCORE])
    for length in range(len(whole)):
        try:
            parse(whole[:length], json=False)
        except UnreadableLogs:
            continue


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "id"),
        ({"name": "x" * 201}, "name"),
        ({"trace_id": "", "span_id": ""}, "trace_id"),
        ({"trace_id": ""}, "trace_id"),
        ({"trace_id": "0" * 32}, "trace_id"),
        ({"span_id": "zz"}, "span_id"),
        ({"source": "rumour"}, "source"),
        ({"value": None}, "value"),
        ({"data_type": "category", "value": None}, "value"),
        ({"comment": "x" * 40_000}, "comment"),
        ({"metadata": {"k": "v" * 2000}}, "metadata"),
        ({"metadata": {str(n): "" for n in range(65)}}, "metadata"),
    ],
)
def test_the_rules_name_the_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(WrongScore) as caught:
        check(replace(SCORE, **change))  # type: ignore[arg-type]
    assert caught.value.field == field
