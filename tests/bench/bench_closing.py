"""What it costs to close a month of 1,000 contracts, each with one probe in three regions every 30 s; printed.

Not a test: run it by hand, `python -m bench.bench_closing [CONTRACTS] [PROBES WITH ALL RESULTS]` in `tests/`. Two
outages a contract; a report for the provider and one for a customer. Beside the time: how long the loop was held up,
which is what everything else in the daemon would have waited.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from random import Random

from support.measured import APRIL, DAY_US, HOUR_US, MARCH, Desk, Measured, S, desk, measured

from prober.config import Config
from prober.hub.plan import grid_of, wanted_series
from prober.store.base import ResultRow, RunRow, WriteSet

REGIONS = ("fra", "iad", "sin")
FINAL_US = APRIL + HOUR_US
OUTAGE_US = 300 * S


def text(count: int) -> str:
    """Return a configuration of so many contracts."""
    lines = ["regions: {" + ", ".join(f"{name}: {{local: true}}" for name in REGIONS) + "}", "probes:"]
    lines += [f"  - {{name: p{n}, tcp: {{address: 'host{n}.example:443'}}}}" for n in range(count)]
    lines += ["services:", *(f"  - {{name: s{n}, probes: [p{n}]}}" for n in range(count))]
    lines += ["contracts:"]
    lines += [
        f"  - {{name: c{n}, service: s{n}, claim: '99.95%', customers: [k{n % 200}]}}" for n in range(count)
    ]
    lines += ["customers:", *(f"  - {{name: k{n}}}" for n in range(min(count, 200)))]
    return "\n".join(lines) + "\n"


async def fill(store: Measured, config: Config, whole: int) -> None:
    """Put runs and failures on record, and all results of some probes."""
    rows = await store.store.series(wanted_series(config, MARCH))
    chance = Random(7)
    begins: dict[str, list[int]] = {}
    for row in rows:
        if row.probe not in begins:
            begins[row.probe] = sorted(chance.randrange(MARCH + DAY_US, APRIL - DAY_US) for _ in range(2))
        grid, writes = grid_of(row, store.seed), WriteSet()
        first, last = grid.first_due(MARCH - HOUR_US), grid.first_due(FINAL_US) - 1
        bad = [range(grid.first_due(at), grid.first_due(at + OUTAGE_US)) for at in begins[row.probe]]
        cuts = [first, *(edge for span in bad for edge in (span.start, span.stop)), last + 1]
        for number, (a, b) in enumerate(pairwise(cuts), 1):
            is_bad = number % 2 == 0
            writes.runs.append(
                RunRow(
                    series=row.number, number=number, outcome="fail" if is_bad else "pass",
                    code="connect_refused" if is_bad else None, first_us=grid.due_us(a),
                    first_end_us=grid.due_us(a) + 1, last_us=grid.due_us(b - 1),
                    last_end_us=grid.due_us(b - 1) + 1, count=b - a, longest_gap_us=45 * S,
                )
            )  # fmt: skip
        slots = range(first, last + 1) if int(row.probe[1:]) < whole else [first, *bad[0], *bad[1], last]
        failed = {slot for span in bad for slot in span}
        writes.results += [
            ResultRow(
                series=row.number, slot=slot, kind=0, late_us=0, started_us=0, duration_us=90_000 + slot % 1000,
                outcome="fail" if slot in failed else "pass",
            )
            for slot in slots
        ]  # fmt: skip
        await store.store.write(writes)


async def timed(name: str, one: Desk, now_us: int) -> None:
    """Do a round and print what it cost."""
    worst = 0.0

    async def pulse() -> None:
        nonlocal worst
        while True:
            at = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - at - 0.001)

    beside = asyncio.create_task(pulse())
    one.now_us, one.marks = now_us, dict.fromkeys(REGIONS, now_us)
    began, cpu = time.perf_counter(), time.process_time()
    count = await one.closer.round()
    took, used = time.perf_counter() - began, time.process_time() - cpu
    beside.cancel()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{name:<28} {count:>6} reports {took:8.2f} s, CPU {used:8.2f} s, loop held at most {worst * 1e3:6.1f} ms, "
        f"memory {memory} MB",
        flush=True,
    )


async def main(count: int, whole: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with measured(Path(folder)) as store:
            one, config = desk(store.store, text(count))
            await fill(store, config, whole)
            await timed("nothing is due", one, APRIL)
            await timed("closing", one, FINAL_US)
            await timed("a minute later", one, FINAL_US + 60 * S)
            one.restart()
            await timed("first look after a start", one, FINAL_US + HOUR_US)
            await timed("look an hour later", one, FINAL_US + 2 * HOUR_US)


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]]
    asyncio.run(main(*(numbers + [1000, 0][len(numbers) :])))
