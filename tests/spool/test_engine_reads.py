"""The ClickHouse engine reads a segment by itself, through the very .proto of the contract."""

import subprocess
import sys
from pathlib import Path

from ingestion.envelope import Envelope, Exchange, Kind, encode
from ingestion.spool import layout
from ingestion.spool.writer import SpoolWriter

ROOT = Path(__file__).resolve().parents[2]

# In a process of its own: the engine is one per process and keeps its directory.
QUERY = """
import sys
from chdb import session
s = session.Session(sys.argv[1] + "/chdb")
print(s.query(
    "SELECT kind, project_id, records, length(otlp), exchange.status, exchange.response_body "
    f"FROM file('{sys.argv[2]}', Protobuf) "
    "SETTINGS format_schema_source='string', format_schema_message_name='Envelope', "
    "format_schema='" + open(sys.argv[3]).read().replace("'", " ") + "'", "TSV"))
"""


def test_chdb_reads_a_segment(tmp_path):
    writer = SpoolWriter(tmp_path / "spool", total_bytes=10**6, segment_bytes=10**6)
    envelopes = [
        Envelope(kind=Kind.TRACES, project_id=2**53 - 1, id=bytes(16), records=3, otlp=b"o" * 300),
        Envelope(
            kind=Kind.CLOSE, project_id=5, records=1, exchange=Exchange(status=200, response_body=b"hi", marks=(1, 2))
        ),
    ]
    from ingestion.envelope import frame

    assert writer.append([[frame(encode(envelope))] for envelope in envelopes]) == 2
    path = layout.segments(writer.directory)[0].path
    done = subprocess.run(
        [sys.executable, "-c", QUERY, str(tmp_path), str(path), str(ROOT / "ingestion" / "envelope.proto")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    writer.close()
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == [
        f"KIND_TRACES\t{2**53 - 1}\t3\t300\t0\t",
        "KIND_CLOSE\t5\t1\t0\t200\thi",
    ]
