"""A daemon with 1,000 probes in 3 regions and 90 days of history: CPU from start to the first check, memory, pages.

The history is written through the store itself: 40 changes of state a series over 90 days, and an hour of results.
The reference is the interpreter importing the same libraries, without which no Python daemon starts.
Usage: python tests/bench/bench_scale.py
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from rig import Running, cpu_ns, daemon, resident_mb

from prober.config import load_text
from prober.hub.plan import wanted_series
from prober.store import open_store
from prober.store.base import ResultRow, RunRow, SeriesRow, WriteSet

PROBES, REGIONS, DAYS, CHANGES = 1000, ("fra", "iad", "sin"), 90, 40
DAY_US = 86_400_000_000
LIBRARIES = (
    "asyncio, uvloop, aiohttp.web, aiosqlite, pydantic_settings, msgspec, prometheus_client, yaml, httptools"
)


def configuration() -> str:
    """Return 1,000 probes of a port where nobody listens, in three regions of this machine, 10 a service."""
    regions = "".join(f"  {name}: {{local: true}}\n" for name in REGIONS)
    probes = "".join(
        f'  - name: p{number}\n    http: {{url: "http://127.0.0.1:9/{number}", expect: {{status: 2xx, body: '
        "{contains: ok}, within: 3s}}\n"
        for number in range(PROBES)
    )
    services = "".join(
        f"  - {{name: s{first}, probes: [{', '.join(f'p{first + each}' for each in range(10))}]}}\n"
        for first in range(0, PROBES, 10)
    )
    return f"regions:\n{regions}probes:\n{probes}services:\n{services}"


async def fill(folder: Path) -> int:
    """Write the history; returns the bytes on disk."""
    config = load_text(configuration(), str(folder / "probes.yaml"), {})
    store = open_store(f"sqlite:///{folder / 'prober.db'}")
    await store.open()
    now_us = time.time_ns() // 1000
    rows = await store.series(wanted_series(config, now_us - DAYS * DAY_US))
    for number in range(CHANGES):
        await store.write(WriteSet(runs=[_run(row, number, now_us) for row in rows]))
    for back in range(120, 0, -1):
        await store.write(WriteSet(results=[_result(row, now_us, back) for row in rows]))
    counts = await store.counts()
    await store.close()
    return counts["bytes"]


def _run(row: SeriesRow, number: int, now_us: int) -> RunRow:
    length_us = DAYS * DAY_US // CHANGES
    first_us = now_us - DAYS * DAY_US + number * length_us + row.number * 1000
    last_us = first_us + length_us - 30_000_000
    good = number % 2 == 1
    return RunRow(
        series=row.number, number=number + 1, outcome="pass" if good else "fail",
        code=None if good else "connect_refused", first_us=first_us, first_end_us=first_us + 1000,
        last_us=last_us, last_end_us=last_us + 1000, count=length_us // 30_000_000, longest_gap_us=40_000_000,
    )  # fmt: skip


def _result(row: SeriesRow, now_us: int, back: int) -> ResultRow:
    slot = now_us // row.interval_us - back
    return ResultRow(
        series=row.number,
        slot=slot,
        kind=0,
        late_us=0,
        started_us=0,
        duration_us=20_000 + back,
        outcome="pass",
    )


def reference_cpu_s() -> float:
    """Return the CPU of importing the libraries, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {LIBRARIES}"], check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_check(running: Running) -> tuple[float, float]:
    """Wait for the agents' first word; returns CPU seconds of hub and agents until then."""
    while not all(agent["up"] for agent in running.status()["agents"]) or not running.agents():
        time.sleep(0.01)
    used = running.cpu_ns()
    return used["hub"] / 1e9, used["agents"] / 1e9


def timed_get(url: str) -> tuple[float, int]:
    """Return milliseconds and bytes of a request."""
    began = time.perf_counter()
    with urllib.request.urlopen(url, timeout=30) as answer:
        size = len(answer.read())
    return (time.perf_counter() - began) * 1000, size


def main() -> int:
    """Print the figures; 1 when a goal was missed."""
    with tempfile.TemporaryDirectory(prefix="prober-bench-") as name:
        folder = Path(name)
        print(f"store filled: {asyncio.run(fill(folder)) / 1e6:.0f} MB")
        with daemon(configuration(), folder) as running:
            hub, agents = first_check(running)
            reference = reference_cpu_s()
            print(
                f"CPU from start to first check: hub {hub:.2f} s + agents {agents:.2f} s = {hub + agents:.2f} s"
            )
            print(f"  goal 0.70 s; importing the hub's libraries alone: {reference:.2f} s")
            while not running.status()["history_ready"]:
                time.sleep(0.05)
            print(f"CPU of the hub until the past is loaded: {cpu_ns(running.hub) / 1e9:.2f} s")
            time.sleep(20)
            for path in ("/", "/api/v2/summary.json"):
                first, _ = timed_get(running.public + path)
                print(f"GET {path}: {first:.0f} ms, {timed_get(running.public + path)[1]} bytes")
            hub_mb = resident_mb(running.hub)
            agent_mb = [resident_mb(pid) for pid in running.agents()]
            print(f"resident: hub {hub_mb:.0f} MB (goal 120), largest agent {max(agent_mb):.0f} MB (goal 60)")
            return int(hub + agents > 0.7 or hub_mb > 120 or max(agent_mb) > 60)


if __name__ == "__main__":
    sys.exit(main())
