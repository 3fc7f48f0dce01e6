"""OTLP bodies before the engine reads them: JSON to protobuf, nested values to text, and the batch file itself.

Pure but for the path that `write_batch` is given. Knows the OTLP messages; must never know what an attribute means.
"""

from ingestion.otlp.batch_file import EngineBody, write_batch
from ingestion.otlp.flatten import flatten
from ingestion.otlp.json_body import MalformedBody, to_protobuf

__all__ = ["EngineBody", "MalformedBody", "flatten", "to_protobuf", "write_batch"]
