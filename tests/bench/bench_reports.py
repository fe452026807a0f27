"""What reports cost from a SQLite store: a month of 1,000 probes x 3 regions x 30 s with 2,000 outages, by method.

CPU seconds and peak memory, each method in a process of its own: figures alone, and whole documents. Beside them a
reference that reads every raw row of some of the probes and adds up time, scaled to all of them; then one contract
with 90 days of history as a page is made of it, a PDF after its data, and the latency of a contract-month from raw
rows. Goals stand beside the numbers. Not a test: run it by hand; `--probes` and `--sampled` set the size.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from typing import Any

from prober.accounts.accounts import Accounts
from prober.accounts.latency import timing
from prober.accounts.plans import Wanted
from prober.accounts.rendering import files_of
from prober.agent.grid import Grid
from prober.config import load
from prober.hub.plan import grid_of
from prober.store import open_store
from prober.store.base import GapRow, ResultRow, RunRow, SeriesRow, Store, WriteSet
from prober.store.reading import reading_store

S = 1_000_000
DAY = 86_400 * S
T = 30 * S
REGIONS = ("fra", "iad", "sin")
MONTH = "2026-10"
START, END = (int(datetime(2026, month, 1, tzinfo=UTC).timestamp()) * S for month in (10, 11))
NOW = END + 5 * DAY
HISTORY = 92 * DAY
TOOK = 50_000
OUTAGES_PER_PROBE = 2
ROWS_AT_ONCE = 50_000
METHODS = {
    "time": "method: time",
    "time pooled": "quorum: pooled",
    "minutes": "method: {minutes: {threshold: '5%', min_attempts: 1}}",
    "periods": "method: {periods: {minutes: 5}}",
    "requests": "method: requests",
    "slices zero": "method: {slices: {length: 5m, empty: zero}}",
    "slices skip": "method: {slices: {length: 5m, empty: skip}}",
    "weighted": "method: {weighted: {by: regions, weights: {fra: 5, iad: 3, sin: 2}}}",
}
GOALS = {"time": 2.0}
GOAL, MEMORY_GOAL, PAGE_GOAL, PDF_GOAL = 10.0, 300.0, 0.05, 1.0
Spell = tuple[int, int]


def configured(folder: Path, probes: int, terms: str) -> Path:
    """Write a configuration of as many contracts, one probe each."""
    lines = [
        "regions: {fra: {local: true}, iad: {local: true}, sin: {local: true}}",
        "defaults: {interval: 30s}",
    ]
    lines += ["probes:"]
    lines += [f"  - {{name: p{n}, tcp: {{address: '127.0.0.1:{n + 1}'}}}}" for n in range(probes)]
    lines += ["services:", *(f"  - {{name: s{n}, probes: [p{n}]}}" for n in range(probes)), "contracts:"]
    lines += [f"  - {{name: c{n}, service: s{n}, claim: '99.9%', {terms}}}" for n in range(probes)]
    lines += [f"store: {{url: 'sqlite:///{folder / 'bench.db'}'}}"]
    path = folder / "probes.yaml"
    path.write_text("\n".join(lines))
    return path


async def fill(path: Path, probes: int, sampled: int) -> None:
    """Write a month as a hub would have left it; raw rows of the sampled probes, else only those around trouble."""
    store = open_store(f"sqlite:///{path}")
    await store.open()
    seed = await store.seed()
    wanted = [
        SeriesRow(
            number=0, probe=f"p{n}", region=region, interval_us=T, schedule="stratified", regions=REGIONS,
            created_us=START - HISTORY,
        )
        for n in range(probes)
        for region in REGIONS
    ]  # fmt: skip
    chance = Random(1)
    spells = {f"p{n}": _spells(chance) for n in range(probes)}
    writes = WriteSet()
    for row in await store.series(wanted):
        is_sampled = int(row.probe[1:]) < sampled
        _series(writes, row, grid_of(row, seed), spells[row.probe], is_sampled, chance)
        if len(writes.results) > ROWS_AT_ONCE:
            await store.write(writes)
            writes = WriteSet()
    await store.write(writes)
    await store.close()


def _spells(chance: Random) -> list[Spell]:
    """Return two outages a month, and some in the time before it."""
    days = sorted(chance.sample(range(-88, 30), 6 + OUTAGES_PER_PROBE))
    found = [(START + day * DAY + chance.randrange(DAY // 2), chance.randrange(60, 900) * S) for day in days]
    return [(begin, begin + length) for begin, length in found]


def _series(
    writes: WriteSet, row: SeriesRow, grid: Grid, spells: list[Spell], is_sampled: bool, chance: Random
) -> None:
    first, last = grid.first_due(START - HISTORY + DAY), grid.first_due(END + DAY) - 1
    lost = grid.first_due(START + chance.randrange(30 * DAY))
    writes.gaps.append(GapRow(series=row.number, first_slot=lost, last_slot=lost + 9, reason="agent_off"))
    parts = list(_parts(grid, first, last, spells, (lost, lost + 9)))
    for number, (low, high, outcome) in enumerate(parts, 1):
        begin, end = grid.due_us(low), grid.due_us(high)
        writes.runs.append(
            RunRow(
                series=row.number, number=number, outcome=outcome, code="http_status" if outcome == "fail" else None,
                first_us=begin, first_end_us=begin + TOOK, last_us=end, last_end_us=end + TOOK, count=high - low + 1,
                longest_gap_us=min(2 * T - 1, end - begin),
            )
        )  # fmt: skip
        since = grid.first_due(START) - 10
        for slot in range(max(low, since), high + 1) if is_sampled or outcome == "fail" else {low, high}:
            writes.results.append(_result(row.number, slot, outcome))


def _result(series: int, slot: int, outcome: str) -> ResultRow:
    took_us = TOOK + slot * 7_919 % 400_000
    return ResultRow(
        series=series, slot=slot, kind=0, late_us=0, started_us=0, duration_us=took_us, outcome=outcome
    )


def _parts(
    grid: Grid, first: int, last: int, spells: list[Spell], lost: Spell
) -> Iterator[tuple[int, int, str]]:
    """Yield slots from, up to (both included), and how they ended."""
    at = first
    cuts = [(grid.first_due(a), grid.first_due(b) - 1, "fail") for a, b in spells]
    for low, high, outcome in sorted([*cuts, (*lost, "")]):
        if low < at:
            continue
        if at < low:
            yield at, low - 1, "pass"
        if outcome and low <= high:
            yield low, high, outcome
        at = max(high + 1, at)
    yield at, last, "pass"


async def measured(path: Path, act: Callable[[Accounts, Store], Any]) -> Any:
    """Return what an act comes to, over the store of a configuration."""
    config = load(path, {})
    store = reading_store(config.store_path)
    await store.open()
    try:
        return await act(Accounts(config, store, lambda _from, _to: ()), store)
    finally:
        await store.close()


async def by_method(accounts: Accounts, _: Store) -> dict[str, float]:
    """Return CPU seconds of figures and of documents, from the store, and peak memory."""
    begun = process_time()
    found = await accounts.accounts(Wanted(period=MONTH, past=0), NOW)
    figures = process_time() - begun
    assert all(each.figures.has_data for each in found)
    del found
    begun = process_time()
    made = await accounts.reports(Wanted(period=MONTH, past=0, latency=False, fresh=True), NOW)
    documents = process_time() - begun
    assert sum(len(report.outages) for report in made) >= len(made)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"figures": figures, "documents": documents, "peak": peak}


async def reference(store: Store, sampled: int) -> float:
    """Return the CPU seconds of reading every raw row of some probes and adding up time from row to row."""
    seed, begun = await store.seed(), process_time()
    for row in await store.all_series():
        if int(row.probe[1:]) >= sampled:
            continue
        grid, down_us, before = grid_of(row, seed), 0, None
        rows = await store.shots(row.number, [(grid.slot_at(START), grid.slot_at(END))])
        for each in rows:
            at_us = grid.due_us(each.slot) + each.late_us
            if before is not None and before[1] == "fail" == each.outcome:
                down_us += at_us - before[0]
            before = at_us, each.outcome
        assert down_us > 0
    return process_time() - begun


async def one_contract(accounts: Accounts, _: Store) -> dict[str, float]:
    """Return the CPU seconds of one contract: 90 days as a page, its PDF, and the latency of its month.

    The median of some rounds; of a file the first, which nothing was made ready for.
    """
    days = Wanted(contracts=("c0",), from_us=END - 90 * DAY, to_us=END, past=0, latency=False)
    month = Wanted(contracts=("c0",), period=MONTH, past=0)
    found: dict[str, float] = {}

    async def timed(name: str, act: Callable[[], Any], rounds: int = 7) -> Any:
        took, result = [], None
        for _ in range(rounds):
            begun = process_time()
            result = await act()
            took.append(process_time() - begun)
        found[name] = median(took) if rounds > 1 else took[0]
        return result

    await timed("90 days, data", lambda: accounts.reports(days, NOW), 11)
    made = await timed("month with latency, data", lambda: accounts.reports(month, NOW))
    (figures,) = await accounts.accounts(month, NOW)
    timed_latency = await timed("latency of 3 regions", lambda: timing(accounts._store, figures))
    assert timed_latency.percentiles
    for name in ("html", "pdf", "xlsx"):
        await timed(
            f"{name} after the data",
            lambda name=name: asyncio.to_thread(files_of, name, made, "en", "provider"),
        )
    return found


def child(*arguments: str) -> dict[str, float]:
    """Return what this program says with some arguments, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def told(value: float, goal: float | None) -> str:
    """Return a number beside its goal."""
    return f"{value:8.3f} s" + (
        "" if goal is None else f"  (goal {goal:g}: {'met' if value < goal else 'MISSED'})"
    )


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=1_000)
    parser.add_argument("--sampled", type=int, default=4)
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "CONFIG"))
    arguments = parser.parse_args()
    if arguments.child:
        acts = {"method": by_method, "one": one_contract}
        print(json.dumps(asyncio.run(measured(Path(arguments.child[1]), acts[arguments.child[0]]))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(fill(folder / "bench.db", arguments.probes, arguments.sampled))
        show(folder, arguments.probes, arguments.sampled)


def show(folder: Path, probes: int, sampled: int) -> None:
    """Measure over a store that is there."""
    path = configured(folder, probes, METHODS["time"])
    raw = asyncio.run(measured(path, lambda _, store: reference(store, sampled))) * probes / sampled
    print(f"reference, all raw rows of {sampled} probes, scaled to {probes}: {raw:.0f} s")
    for method, terms in METHODS.items():
        configured(folder, probes, terms)
        found = child("--child", "method", str(path))
        goal = GOALS.get(method, GOAL) if probes == 1_000 else None
        print(
            f"{method:12} figures {told(found['figures'], goal)}, documents {told(found['documents'], goal)}, "
            f"peak {found['peak']:.0f} MB (goal {MEMORY_GOAL:g}), 1/{raw / found['figures']:.0f} of the reference"
        )
    configured(folder, probes, METHODS["time"])
    goals = {"90 days, data": PAGE_GOAL, "pdf after the data": PDF_GOAL}
    for name, took in child("--child", "one", str(path)).items():
        print(f"one contract: {name:26} {told(took, goals.get(name))}")


if __name__ == "__main__":
    main()
