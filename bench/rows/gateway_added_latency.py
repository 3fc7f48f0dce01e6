"""What one connection waits longer than without a proxy, against what nginx adds."""

from statistics import median

from bench.desk import Desk
from bench.load import run_load
from bench.nginx import have_nginx
from bench.row import Row
from bench.visible import settle

NAME = "gateway, one connection, added p50 over direct"
BUDGET = "<= 2 x what nginx adds"


def measure(desk: Desk) -> Row:
    """Direct, nginx and gateway take turns; medians of the rounds."""
    if not have_nginx():
        return Row(NAME, BUDGET, "nginx is not installed", "skipped")
    requests = {
        "direct": desk.direct_request(desk.upstream),
        "nginx": desk.direct_request(desk.nginx),
        "gateway": desk.gateway_request(),
    }
    times: dict[str, list[float]] = {name: [] for name in requests}
    for number in range(2 if desk.quick else 5):
        for name, request in requests.items():
            settle(desk.spanmeter)
            load = run_load(request, connections=1, seconds=max(1.0, desk.seconds / 4))
            if number:  # the first round warms up
                times[name].append(load.p50_us)
    p50 = {name: median(values) for name, values in times.items()}
    theirs, ours = p50["nginx"] - p50["direct"], p50["gateway"] - p50["direct"]
    ratio = ours / theirs if theirs > 0 else float("inf")
    return Row(
        NAME,
        BUDGET,
        f"{ratio:.2f} x ({ours:.0f} us against {theirs:.0f} us)",
        "met" if ratio <= 2 else "short",
        {f"{name} p50 us": round(value, 1) for name, value in p50.items()},
    )
