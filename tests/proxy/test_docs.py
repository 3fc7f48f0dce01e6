"""docs/gateway.md names what there is."""

from pathlib import Path

from ingestion.providers.routes import ROUTES
from proxy.errors import CODES
from proxy.metrics import Metrics

DOCS = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"


def test_every_error_code_provider_and_metric_is_documented():
    text = DOCS.read_text()
    for code, meaning in CODES.items():
        assert f"| `{code}` |" in text
        assert meaning.split("SPANMETER")[0].rstrip(" .") in text
    for route in ROUTES:
        assert route.name in text
    page = Metrics().text(spooled_bytes=0, spool_full=False, keys_age=0.0).decode()
    for line in page.splitlines():
        if line.startswith("# TYPE"):
            assert f"`{line.split()[2].removeprefix('spanmeter_gateway_')}`" in text.replace("\n", " ")
