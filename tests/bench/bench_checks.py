"""CPU per stored check of the whole daemon (hub and agents) beside the blackbox exporter's per probe.

Both look at the same targets, in turns, at the same pace; medians of the rounds. Ours is measured, judged, stored and
shown in /metrics; the exporter's is measured and answered. Then once more with both busy: ours at a rate that keeps an
agent at work, the exporter asked by 16 clients without a pause. `floor` is the bare exchange in Python at that pace
(see floor.py). Usage: python tests/bench/bench_checks.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from exporter import Exporter, exporter
from floor import bare, cpu_us
from rig import Missing, Targets, daemon, targets

SECONDS = 3.0
PROBES = 100  # at least; more where the rate needs it
PER_PROBE = 5  # checks a second of one probe, at most
BATCH_SECONDS = 1.3  # of results that may be on their way
BUSY_COUNT = 1500  # probes asked of the exporter without a pause


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of check on both sides."""

    name: str
    goal: float  # our CPU per check as a share of the exporter's
    rate: int  # checks a second asked of either side
    busy: int  # checks a second asked of us to keep an agent at work
    ours: Callable[[Targets], str]
    theirs: Callable[[Targets], tuple[str, str]]


CASES = (
    Case("http", 1 / 6, 500, 2000,
         lambda t: f'http: {{url: "http://127.0.0.1:{t.http}/", expect: {{status: 200, body: {{contains: hello}}}}}}',
         lambda t: ("http", f"http://127.0.0.1:{t.http}/")),
    Case("https", 0.6, 200, 400,
         lambda t: f'http: {{url: "https://localhost:{t.https}/", ip: ip4, tls: {{ca_file: {t.ca_file}}}, '
                   "expect: {status: 200, body: {contains: hello}}}",
         lambda t: ("https", f"https://localhost:{t.https}/")),
    Case("tcp", 1 / 6, 500, 3000,
         lambda t: f'tcp: {{address: "127.0.0.1:{t.http}"}}',
         lambda t: ("tcp", f"127.0.0.1:{t.http}")),
    Case("dns", 1 / 8, 500, 3000,
         lambda t: f'dns: {{name: www.example, server: "127.0.0.1:{t.dns}"}}',
         lambda t: ("dns", f"127.0.0.1:{t.dns}")),
    Case("dns, records asserted", 1 / 3, 500, 3000,
         lambda t: f'dns: {{name: www.example, server: "127.0.0.1:{t.dns}", expect: {{any: ["203.0.113.7"]}}}}',
         lambda t: ("dns-records", f"127.0.0.1:{t.dns}")),
)  # fmt: skip


def configuration(case: Case, where: Targets, rate: int) -> str:
    """Return a configuration that makes `rate` checks a second."""
    block, count = case.ours(where), probes_for(rate)
    probes = "".join(f"  - name: p{number}\n    {block}\n" for number in range(count))
    return f"defaults: {{interval: {count * 1000 // rate}ms, timeout: 5s}}\nprobes:\n{probes}"


def probes_for(rate: int) -> int:
    """Return how many probes share a rate."""
    return max(PROBES, rate // PER_PROBE)


def our_cpu(case: Case, where: Targets, rate: int) -> tuple[float, float]:
    """Return CPU micro-seconds per stored check in the hub and in the agents."""
    with daemon(configuration(case, where, rate)) as running:
        while running.metric("prober_results_total{") < rate:
            time.sleep(0.2)
        began, before, counted = time.monotonic(), running.cpu_ns(), running.metric("prober_results_total{")
        time.sleep(SECONDS)
        after = running.cpu_ns()
        # Results come by the second: the count only says that nothing was left out, give or take a batch.
        checks = rate * (time.monotonic() - began)
        counted = running.metric("prober_results_total{") - counted
        if abs(counted - checks) > BATCH_SECONDS * rate:
            raise RuntimeError(f"{counted:.0f} results stored where {checks:.0f} were due")
        passed = running.metric("probe_success{")
        if passed < probes_for(rate):
            raise RuntimeError(f"only {passed} of {probes_for(rate)} probes pass: not a fair comparison")
        hub, agents = ((after[part] - before[part]) / checks / 1000 for part in ("hub", "agents"))
        return hub, agents


def compare(case: Case, where: Targets, reference: Exporter, rounds: int) -> str:
    """Measure both sides in turns and return a line of the table."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(our_cpu(case, where, case.rate))
        theirs.append(reference.cpu_us_per_probe(*case.theirs(where), int(case.rate * SECONDS), case.rate))
    paced = _figures(ours, theirs, cpu_us(bare(case.name.partition(",")[0], where), case.rate))
    busy = _figures(
        [our_cpu(case, where, case.busy)],
        [reference.cpu_us_per_probe(*case.theirs(where), BUSY_COUNT)],
        cpu_us(bare(case.name.partition(",")[0], where), 0),
    )
    share = float(paced.split()[4])
    return f"{case.name:22}{paced} {case.goal:6.3f} {'met   ' if share <= case.goal else 'MISSED'} |{busy}"


def _figures(ours: list[tuple[float, float]], theirs: list[float], floor: float) -> str:
    hub, agent = (statistics.median(each) for each in zip(*ours, strict=True))
    other = statistics.median(theirs)
    return (
        f"{agent:7.0f} {hub:5.0f} {hub + agent:6.0f} {other:9.0f} {(hub + agent) / other:6.3f} {floor:6.0f}"
    )


def main() -> int:
    """Print the table; 1 when a goal was missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    head = "  agent   hub    all  exporter  share  floor"
    lines = []
    try:
        with targets() as where, exporter(where) as reference:
            reference.cpu_us_per_probe("http", f"http://127.0.0.1:{where.http}/", 300)  # warm
            print(
                f"{'CPU us per check':22}{'same pace on both sides, ' + str(rounds) + ' rounds':57} | both busy"
            )
            print(f"{'':22}{head}   goal        |{head}")
            for case in CASES:
                lines.append(compare(case, where, reference, rounds))
                print(lines[-1], flush=True)
    except Missing as problem:
        print(f"cannot measure: {problem}")
        return 2
    return int(any("MISSED" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
