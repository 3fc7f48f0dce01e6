"""docs/otlp.md's example of an exporter over gRPC does what it says, with only the address and the key put in."""

import re
from pathlib import Path

from tests.proxy.harness import PROJECT, SECRET

DOCS = Path(__file__).resolve().parents[3] / "docs" / "otlp.md"


def test_the_example(gateway):
    (block,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    for stands, put in (("127.0.0.1:4317", f"127.0.0.1:{gateway.grpc_port}"), ("sm-sk-YOUR-KEY", SECRET)):
        assert stands in block
        block = block.replace(stands, put)
    exec(compile(block, DOCS.name, "exec"), {})  # noqa: S102
    (envelope,) = gateway.envelopes()
    assert (envelope.project_id, envelope.records) == (PROJECT, 1)
    assert b"gpt-4o-mini" in envelope.otlp
