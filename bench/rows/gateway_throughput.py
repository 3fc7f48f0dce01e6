"""Requests a second through the gateway with everything on, against nginx `proxy_pass`, 16 connections.

Both have the same number of processes. The gateway's rounds include what ingest and the store do meanwhile; nginx runs
when they have finished. The upstream answers at once, which spares some exchanges their opening record: with a real
provider, whose answers take longer, each has one.
"""

from bench.desk import Desk
from bench.load import Load, run_load
from bench.nginx import have_nginx
from bench.peers import running_peers
from bench.row import Row
from bench.visible import settle

NAME = "gateway, everything on, 16 connections"
BUDGET = ">= 0.5 x nginx proxy_pass requests/s"
CONNECTIONS = 16
ROUNDS = 3


def measure(desk: Desk) -> Row:
    """Rounds take turns, so that a noisy minute hits both."""
    if not have_nginx():
        return Row(NAME, BUDGET, "nginx is not installed", "skipped")
    nginx, ours = desk.direct_request(desk.nginx), desk.gateway_request()
    for request in (nginx, ours):
        run_load(request, connections=CONNECTIONS, seconds=1)
    pairs, cpu = [], []
    for _ in range(1 if desk.quick else ROUNDS):
        settle(desk.spanmeter)
        theirs = run_load(nginx, connections=CONNECTIONS, seconds=desk.seconds)
        before = desk.spanmeter.gateway_cpu_seconds()
        pairs.append((theirs, run_load(ours, connections=CONNECTIONS, seconds=desk.seconds)))
        cpu.append(desk.spanmeter.gateway_cpu_seconds() - before)
    theirs, mine = (_middle([pair[side] for pair in pairs]) for side in (0, 1))
    facts: dict[str, float | int | str] = {
        "nginx requests/s": round(theirs.per_second),
        "nginx processes": desk.gateway_processes,
        "gateway requests/s": round(mine.per_second),
        "gateway processes": desk.gateway_processes,
        "gateway CPU us/request": round(sum(cpu) / sum(pair[1].requests for pair in pairs) * 1e6, 1),
        "refused": sum(pair[1].refused for pair in pairs),
        "tool": mine.tool,
    }
    facts |= _peers(desk)
    ratio = mine.per_second / theirs.per_second
    measured = f"{ratio:.2f} x ({mine.per_second:,.0f} against {theirs.per_second:,.0f})"
    return Row(NAME, BUDGET, measured, "met" if ratio >= 0.5 and not facts["refused"] else "short", facts)


def _peers(desk: Desk) -> dict[str, float | int | str]:
    """Measure those that are installed; one that does not start says so and spoils nothing."""
    facts: dict[str, float | int | str] = {}
    for name, peer in running_peers(desk.upstream):
        try:
            with peer as request:
                load = run_load(request, connections=CONNECTIONS, seconds=desk.seconds)
        except (OSError, RuntimeError) as error:
            facts[name] = f"did not start ({error})"
        else:
            facts[f"{name} requests/s"] = round(load.per_second) if load.requests else "refused every request"
    return facts


def _middle(loads: list[Load]) -> Load:
    return sorted(loads, key=lambda load: load.per_second)[len(loads) // 2]
