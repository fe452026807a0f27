"""CPU per stored check of the whole daemon (hub and agents) beside the blackbox exporter's per probe.

Both look at the same targets, in turns; medians of the rounds. Ours is measured, judged, stored and shown in
/metrics; the exporter's is measured and answered. Usage: python tests/bench/bench_checks.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from exporter import Exporter, exporter
from rig import Missing, Targets, daemon, targets

SECONDS = 5.0
PROBES = 100


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of check on both sides."""

    name: str
    goal: float  # our CPU per check as a share of the exporter's
    rate: int  # checks a second asked of us
    count: int  # probes asked of the exporter in one round
    ours: Callable[[Targets], str]
    theirs: Callable[[Targets], tuple[str, str]]


CASES = (
    Case("http", 1 / 6, 500, 1500,
         lambda t: f'http: {{url: "http://127.0.0.1:{t.http}/", expect: {{status: 200, body: {{contains: hello}}}}}}',
         lambda t: ("http", f"http://127.0.0.1:{t.http}/")),
    Case("https", 0.6, 200, 600,
         lambda t: f'http: {{url: "https://localhost:{t.https}/", ip: ip4, tls: {{ca_file: {t.ca_file}}}, '
                   "expect: {status: 200, body: {contains: hello}}}",
         lambda t: ("https", f"https://localhost:{t.https}/")),
    Case("tcp", 1 / 6, 500, 1500,
         lambda t: f'tcp: {{address: "127.0.0.1:{t.http}"}}',
         lambda t: ("tcp", f"127.0.0.1:{t.http}")),
    Case("dns", 1 / 8, 500, 1500,
         lambda t: f'dns: {{name: www.example, server: "127.0.0.1:{t.dns}"}}',
         lambda t: ("dns", f"127.0.0.1:{t.dns}")),
    Case("dns, records asserted", 1 / 3, 500, 1500,
         lambda t: f'dns: {{name: www.example, server: "127.0.0.1:{t.dns}", expect: {{any: ["203.0.113.7"]}}}}',
         lambda t: ("dns-records", f"127.0.0.1:{t.dns}")),
)  # fmt: skip


def configuration(case: Case, where: Targets) -> str:
    """Return a configuration that makes `case.rate` checks a second."""
    block = case.ours(where)
    probes = "".join(f"  - name: p{number}\n    {block}\n" for number in range(PROBES))
    interval_ms = PROBES * 1000 // case.rate
    return f"defaults: {{interval: {interval_ms}ms, timeout: 5s}}\nprobes:\n{probes}"


def our_cpu(case: Case, where: Targets) -> tuple[float, float]:
    """Return CPU micro-seconds per stored check in the hub and in the agents."""
    with daemon(configuration(case, where)) as running:
        while running.metric("prober_results_total{") < case.rate:
            time.sleep(0.2)
        before, counted = running.cpu_ns(), running.metric("prober_results_total{")
        time.sleep(SECONDS)
        after = running.cpu_ns()
        checks = running.metric("prober_results_total{") - counted
        passed = running.metric("probe_success{")
        if passed < PROBES:
            raise RuntimeError(f"only {passed} of {PROBES} probes pass: not a fair comparison")
        hub, agents = ((after[part] - before[part]) / checks / 1000 for part in ("hub", "agents"))
        return hub, agents


def compare(case: Case, where: Targets, reference: Exporter, rounds: int) -> str:
    """Measure both sides in turns and return a line of the table."""
    hubs, agents, theirs = [], [], []
    for _ in range(rounds):
        hub, agent = our_cpu(case, where)
        hubs.append(hub)
        agents.append(agent)
        theirs.append(reference.cpu_us_per_probe(*case.theirs(where), case.count))
    hub, agent, other = (statistics.median(each) for each in (hubs, agents, theirs))
    share = (hub + agent) / other
    verdict = "met" if share <= case.goal else "MISSED"
    ours = f"{agent:7.0f} {hub:6.0f} {hub + agent:7.0f}"
    return f"{case.name:22} {ours} {other:9.0f} {share:7.3f} {case.goal:6.3f}  {verdict}"


def main() -> int:
    """Print the table; 1 when a goal was missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    lines = []
    try:
        with targets() as where, exporter(where) as reference:
            reference.cpu_us_per_probe("http", f"http://127.0.0.1:{where.http}/", 300)  # warm
            print(
                f"CPU us per check          agent    hub     all  exporter   share   goal   ({rounds} rounds)"
            )
            for case in CASES:
                lines.append(compare(case, where, reference, rounds))
                print(lines[-1], flush=True)
    except Missing as problem:
        print(f"cannot measure: {problem}")
        return 2
    return int(any(line.endswith("MISSED") for line in lines))


if __name__ == "__main__":
    sys.exit(main())
