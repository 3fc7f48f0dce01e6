"""Embeddings: the text goes in, the vectors are counted and not kept."""

from typing import Any

from ingestion import messages as m
from ingestion.json_shape import as_dict, as_list, as_text, clip, dumps
from ingestion.providers.base import Answer, Reading
from ingestion.providers.shapes.document import read_document
from ingestion.providers.shapes.errors import read_error
from ingestion.providers.shapes.openai_usage import read_openai_usage, reported_cost
from ingestion.providers.shapes.parameters import model_parameters, served_model, user_of
from ingestion.records import SpanKind
from ingestion.usage import Basis

__all__ = ["OpenAIEmbeddings", "without_vectors"]


class OpenAIEmbeddings:
    """POST …/embeddings."""

    name = "openai_embeddings"

    def recognises(self, method: str, path: str, provider: str) -> bool:
        """The end of the path decides, as for chat."""
        return method == "POST" and path.endswith("/embeddings")

    def read(self, request: Any, answer: Answer, *, method: str, path: str) -> Reading:
        """Read one exchange."""
        asked = as_dict(request)
        body, note, usage_known = read_document(answer)
        said = as_dict(body)
        usage, notes = read_openai_usage(
            said.get("usage"), basis=Basis.PROVIDER if usage_known else Basis.PROVIDER_PARTIAL
        )
        vectors = as_list(said.get("data"))
        attributes = {"embeddings.count": str(len(vectors))} if vectors else {}
        first = as_dict(vectors[0]).get("embedding") if vectors else None
        if isinstance(first, list):
            attributes["gen_ai.embeddings.dimension.count"] = str(len(first))
        error_type, error_message = read_error(said)
        if note and answer.body:
            notes += (f"response body: {note}",)
        return Reading(
            kind=SpanKind.EMBEDDING,
            operation="embeddings",
            model_requested=clip(as_text(asked.get("model"))),
            model=served_model(said.get("model")),
            error_type=error_type,
            error_message=error_message,
            usage=usage,
            inputs=_inputs(asked.get("input")),
            model_parameters=model_parameters(asked),
            user=user_of(asked),
            reported_cost=reported_cost(said.get("usage")),
            attributes=attributes,
            notes=notes,
        )


def without_vectors(body: Any) -> str:
    """Return the JSON text of an embeddings answer with each vector replaced by its length."""
    said = dict(as_dict(body))
    data = []
    for entry in as_list(said.get("data")):
        one = dict(as_dict(entry))
        vector = one.get("embedding")
        if isinstance(vector, list):
            one["embedding"] = f"[{len(vector)} numbers]"
        elif isinstance(vector, str):
            one["embedding"] = f"[{len(vector)} characters of base64]"
        data.append(one)
    said["data"] = data
    return dumps(said)


def _inputs(given: Any) -> list[m.Message]:
    if isinstance(given, str):
        return [m.message("user", [m.text(given)])]
    entries = as_list(given)
    if entries and all(type(entry) is int for entry in entries):
        return [m.message("user", [m.unknown("tokens", entries)])]
    return [
        m.message("user", [m.text(entry) if isinstance(entry, str) else m.unknown("tokens", entry)])
        for entry in entries
    ]
