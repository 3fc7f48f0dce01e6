"""How much later the first token of a stream arrives than without the gateway."""

from bench.desk import BODY, Desk
from bench.first_byte import FirstByteClient
from bench.load import Request
from bench.row import Row

NAME = "gateway, added time to first token"
BUDGET = "<= 0.3 ms p50, <= 2 ms p99"
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-provider"}


def measure(desk: Desk) -> Row:
    """Direct and gateway requests alternate."""
    body = BODY.replace('{"model"', '{"stream":true,"model"', 1)
    path = "/v1/chat/completions"
    direct = FirstByteClient(Request(desk.streaming_upstream, path, body, HEADERS))
    ours = FirstByteClient(
        Request(desk.spanmeter.gateway_port, f"/k/{desk.spanmeter.key}/streaming{path}", body, HEADERS)
    )
    times: dict[str, list[float]] = {"direct": [], "gateway": []}
    for number in range(60 if desk.quick else 1500):
        for name, client in (("direct", direct), ("gateway", ours)):
            taken = client.ask()
            if number >= 20:
                times[name].append(taken * 1000)
    direct.close()
    ours.close()
    quantiles = {
        f"{name} {label} ms": round(sorted(values)[int(len(values) * share)], 3)
        for name, values in times.items()
        for label, share in (("p50", 0.5), ("p99", 0.99))
    }
    p50, p99 = (quantiles[f"gateway {label} ms"] - quantiles[f"direct {label} ms"] for label in ("p50", "p99"))
    return Row(
        NAME, BUDGET, f"{p50:.2f} ms p50, {p99:.2f} ms p99", "met" if p50 <= 0.3 and p99 <= 2 else "short", quantiles
    )
