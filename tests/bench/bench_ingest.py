"""What taking in batches of remote agents costs one hub, and how long it takes to catch up after 72 hours.

The hub is the daemon's own, in this process: pipeline, judge, SQLite, view, history, metrics. Batches are made and
sealed before anything is measured; measured is what a hub does with them: unpack, verify, look through, judge,
commit, publish. References in the same run: the same batches unsealed, as local agents deliver them, and a bare
`executemany` of the same rows. Carrying them over the link (TLS, WebSocket) is not in these figures.

The catch-up is measured over a slice that comes late while live batches flow once a second, and EXTRAPOLATED to 72
hours of 1,000 probes in 3 regions at 30 s. `--slots` sets the slice, `--rounds` how often the references take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ingest_load import INTERVAL_S, PROBES, REGIONS, Agent, Delivery, S, agents, configuration

from prober import wire
from prober.agent.sealing import open_sealed
from prober.config import Config, load_text
from prober.hub.history import MemoryHistory
from prober.hub.hub import Hub
from prober.hub.publish import Publisher
from prober.hub.scrutiny import faults
from prober.hub.view import ReloadView, View
from prober.loop import run_loop
from prober.metrics import Exposition
from prober.store import open_store
from prober.wire import Batch, Record, Sealed

GOAL_A_SECOND = 10_000  # results, as the way back after an absence has to bring them
HOURS = 72
T = INTERVAL_S * S
BEGIN_US = 1_790_000_000 * S
FIRST_SLOT = BEGIN_US // T
ROUND_SLOTS = 10  # 30,000 results a round
WINDOW = 8  # batches of an epoch on their way
COMMIT = WINDOW * len(REGIONS)  # batches that meet in one commit then
LIVE_SECONDS = 300  # of live batches that are made beforehand
LOOK_SECONDS = 0.1
SETTLE_SECONDS = 180.0  # how long the past may take to be worked out before it is left


@dataclass(slots=True)
class Wall:
    """The hub's wall clock: set by the bench, then running."""

    at_us: int = BEGIN_US
    _set: float = field(default_factory=time.monotonic)

    def set(self, at_us: int) -> None:
        """Let it go on from an instant."""
        self.at_us, self._set = at_us, time.monotonic()

    def follow(self, at_us: int) -> None:
        """Let it be at least an instant: time passes as fast as results come."""
        if at_us > self.read():
            self.set(at_us)

    def read(self) -> int:
        """Return what it shows."""
        return self.at_us + int((time.monotonic() - self._set) * S)


@dataclass(slots=True)
class Running:
    """A hub, its clock, and the id of its store."""

    hub: Hub
    wall: Wall
    id: bytes

    async def stored(self) -> int:
        """Return how many results are on record."""
        return (await self.hub.store.counts())["results"]


@asynccontextmanager
async def running(folder: Path, config: Config) -> AsyncIterator[Running]:
    """Run the daemon's hub on the store of a folder; its regions are all remote, so it starts no agents."""
    wall = Wall()
    view = View(config=config, started_us=BEGIN_US, reload=ReloadView(ok=True, at_us=BEGIN_US))
    history = MemoryHistory()
    store = open_store(f"sqlite:///{folder / 'prober.db'}")
    await store.open()
    hub = Hub(config, store, Publisher(view, history, Exposition(view, history)), history, wall.read)
    await hub.start()
    await hub.loaded.wait()
    try:
        yield Running(hub, wall, await store.store_id())
    finally:
        await hub.stop()


@dataclass(slots=True)
class Cost:
    """What something took, and how many results it was."""

    results: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    @contextlib.contextmanager
    def measured(self, results: int) -> Iterator[None]:
        """Add what happens meanwhile."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.results += results
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu

    @property
    def a_second(self) -> float:
        """Results a second."""
        return self.results / self.wall

    @property
    def a_core(self) -> float:
        """Results a second that one core could do alone: what a busy machine does not change."""
        return self.results / self.cpu

    def __str__(self) -> str:
        return (
            f"{self.a_second:8,.0f} results/s, {self.cpu / self.results * 1e6:6.1f} us CPU each, "
            f"{self.cpu / self.wall:.1f} cores"
        )


Take = Callable[[Running, Delivery], Awaitable[object]]


async def take_sealed(to: Running, delivery: Delivery) -> None:
    """Take a batch as a link of a remote agent does."""
    agent, message = delivery.agent, wire.decode(delivery.sealed)
    assert isinstance(message, Sealed)
    batch, body = open_sealed(message, agent.key.public)
    assert not list(faults(batch, agent.name, agent.region, to.id, to.hub.rows, to.wall.read()))
    await to.hub.pipeline.take(batch, body)


async def take_plain(to: Running, delivery: Delivery) -> None:
    """Take a batch as the socket of a local agent does."""
    await to.hub.pipeline.take(_batch(delivery), delivery.plain)


async def deliver(to: Running, deliveries: Sequence[Delivery], take: Take) -> None:
    """Deliver in order, the agents side by side, each with a window."""
    by_agent = {delivery.agent.name: deque[Delivery]() for delivery in deliveries}
    for delivery in deliveries:
        by_agent[delivery.agent.name].append(delivery)
    async with asyncio.TaskGroup() as group:
        for own in by_agent.values():
            group.create_task(_deliver_own(to, own, take))


async def _deliver_own(to: Running, deliveries: Iterable[Delivery], take: Take) -> None:
    unanswered: deque[asyncio.Future[object]] = deque()
    for delivery in deliveries:
        if len(unanswered) >= WINDOW:
            await unanswered.popleft()
        to.wall.follow(delivery.at_us)
        unanswered.append(asyncio.ensure_future(take(to, delivery)))
    await asyncio.gather(*unanswered)


class Bare:
    """The reference: rows into one table of the standard library's sqlite3, a transaction for as many batches."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-8192"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(
            "CREATE TABLE results(series INTEGER, slot INTEGER, kind INTEGER, started_us INTEGER, late_us INTEGER,"
            " duration_us INTEGER, outcome TEXT, PRIMARY KEY(series, slot, kind)) WITHOUT ROWID"
        )

    def write(self, commits: Iterable[list[tuple[object, ...]]]) -> None:
        """Write the rows, each list in a transaction of its own."""
        for rows in commits:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def rows_of(deliveries: Sequence[Delivery]) -> list[list[tuple[object, ...]]]:
    """Return the results as rows, those together that meet in one commit of the hub."""
    commits = [deliveries[first : first + COMMIT] for first in range(0, len(deliveries), COMMIT)]
    return [[_row(record) for each in commit for record in _batch(each).records] for commit in commits]


def _batch(delivery: Delivery) -> Batch:
    batch = wire.decode(delivery.plain)
    assert isinstance(batch, Batch)
    return batch


def _row(record: Record) -> tuple[object, ...]:
    result = record.result
    return (
        record.series, record.slot, record.kind, result.started_us, record.late_us, result.duration_us,
        result.outcome.value,
    )  # fmt: skip


def sealed_by_time(all_agents: Sequence[Agent], first: int, slots: int) -> list[Delivery]:
    """Return what all agents deliver of some slots, in the order of time."""
    made = [delivery for agent in all_agents for delivery in agent.seal(range(first, first + slots))]
    return sorted(made, key=lambda delivery: delivery.at_us)


async def measure_in_order(base: Path, folder: Path, config: Config, rounds: int) -> Cost:
    """Print what results cost that come in time; returns what sealed ones did."""
    for name in ("sealed", "plain"):
        shutil.copytree(base, folder / name)
    bare, costs = Bare(folder / "bare.db"), [Cost(), Cost(), Cost()]
    async with running(folder / "sealed", config) as first, running(folder / "plain", config) as second:
        everyone = agents(first.hub.series, first.id, config.digest)
        sizes, total = [0, 0], 0
        for number in range(rounds + 1):
            made = sealed_by_time(everyone, FIRST_SLOT + number * ROUND_SLOTS, ROUND_SLOTS)
            results, rows = sum(each.results for each in made), rows_of(made)
            total += results
            if number == 1:  # the first round warms up
                costs, sizes = [Cost(), Cost(), Cost()], [0, 0]
            sizes[0] += sum(len(each.sealed) for each in made)
            sizes[1] += sum(len(each.plain) for each in made)
            for hub, take, cost in ((first, take_sealed, costs[0]), (second, take_plain, costs[1])):
                _collect()
                with cost.measured(results):
                    await deliver(hub, made, take)
            with costs[2].measured(results):
                bare.write(rows)
        assert await first.stored() == await second.stored() == total
    bare.close()
    names = (
        "sealed, as remote agents send them",
        "unsealed, as local agents do",
        "bare executemany of the rows",
    )
    print(f"in order: {costs[0].results:,} results, a batch is what a region sees in a second")
    for name, cost in zip(names, costs, strict=True):
        print(f"  {name:36} {cost}")
    sealed, plain = (size / costs[0].results for size in sizes)
    print(f"  bytes a result: sealed {sealed:.0f}, unsealed {plain:.0f}")
    return costs[0]


async def measure_late(base: Path, folder: Path, config: Config, slots: int) -> Cost:
    """Print how fast results come in that are three days late; returns what they cost."""
    shutil.copytree(base, folder / "late")
    async with running(folder / "late", config) as to:
        everyone = agents(to.hub.series, to.id, config.digest)
        before = sealed_by_time(everyone, FIRST_SLOT, 2)
        backlog = sealed_by_time(everyone, FIRST_SLOT + 2, slots)
        for agent in everyone:
            agent.begin_epoch()
        now_slot = FIRST_SLOT + HOURS * 3600 // INTERVAL_S
        fresh = sealed_by_time(everyone, now_slot, 1)
        live = sealed_by_time(everyone, now_slot + 1, LIVE_SECONDS // INTERVAL_S)
        for known in (before, fresh):  # the hub was away in between, and current results come first
            await deliver(to, known, take_sealed)
        _collect()
        stored = await to.stored()
        cost, flowed = await _catch_up(to, backlog, live)
        assert await to.stored() == stored + flowed + sum(each.results for each in backlog)
        return cost


async def _catch_up(to: Running, backlog: list[Delivery], live: list[Delivery]) -> tuple[Cost, int]:
    """Print what it takes; returns what late results cost, and how many live ones came meanwhile."""
    waits: list[float] = []
    middle = len(backlog) // 2
    halves, cost = [Cost(), Cost()], Cost()
    to.wall.set(live[0].at_us)
    stop = asyncio.Event()
    flowing = asyncio.create_task(_flow(to, live, waits, stop))
    with cost.measured(sum(each.results for each in backlog)):
        for half, part in zip(halves, (backlog[:middle], backlog[middle:]), strict=True):
            with half.measured(sum(each.results for each in part)):
                await deliver(to, part, take_sealed)
    in_time = sorted(waits)
    all_results = HOURS * 3600 // INTERVAL_S * PROBES * len(REGIONS)
    print(f"late: {cost.results:,} results from three days ago, while live ones flow at 100/s")
    print(f"  {'sealed, as remote agents send them':36} {cost}")
    print(f"  first half {halves[0].a_second:,.0f}/s, second half {halves[1].a_second:,.0f}/s")
    if in_time:
        typical, worst = median(in_time) * 1e3, in_time[-1] * 1e3
        print(
            f"  {len(in_time)} live batches: on record {typical:.0f} ms (median) to {worst:.0f} ms after sealing"
        )
    minutes = all_results / cost.a_second / 60
    print(f"  72 hours, {all_results:,} results: {minutes:.0f} minutes (EXTRAPOLATED from the slice)")
    await _work_out(to)
    stop.set()
    return cost, await flowing


async def _flow(to: Running, live: list[Delivery], waits: list[float], stop: asyncio.Event) -> int:
    """Deliver live batches when they are due until told to stop; note when each is on record. Returns results."""
    flowed = 0
    for delivery in live:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(delivery.at_us - to.wall.read(), 0) / S):
                await stop.wait()
        if stop.is_set():
            break
        await take_sealed(to, delivery)
        flowed += delivery.results
        waits.append((to.wall.read() - delivery.at_us) / S)
    return flowed


async def _work_out(to: Running) -> None:
    """Wait until the states of the past are worked out anew; print what it took."""
    marks = to.hub.pipeline.judge.fold.revise_from
    marked = len(marks)
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(int(SETTLE_SECONDS / LOOK_SECONDS)):
        if not marks:
            break
        await asyncio.sleep(LOOK_SECONDS)
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    print(
        f"  states of {marked - len(marks)} of {marked} probes worked out anew in {took:.0f} s, {spent:.1f} s CPU"
    )


def _collect() -> None:
    """Leave the collector as little as the daemon does: what is there now stays."""
    gc.collect()
    gc.freeze()


async def prepare(folder: Path, config: Config) -> None:
    """Make the store that each measurement begins with: the same series on the same grid."""
    async with running(folder, config):
        pass


async def main() -> int:
    """Print the figures; 1 when a core cannot do what the goal asks."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=4, help="of 30,000 results each")
    options.add_argument("--slots", type=int, default=100, help="of 3,000 results each that come late")
    chosen = options.parse_args()
    logging.disable(logging.CRITICAL)  # a changed state is a line: not what is measured here
    config = load_text(configuration(), "probes.yaml", {})
    with tempfile.TemporaryDirectory(prefix="prober-bench-") as name:
        folder = Path(name)
        (folder / "base").mkdir()
        await prepare(folder / "base", config)
        in_order = await measure_in_order(folder / "base", folder, config, chosen.rounds)
        late = await measure_late(folder / "base", folder, config, chosen.slots)
    print(
        f"goal: {GOAL_A_SECOND:,} results/s; by the CPU they cost, a core takes {in_order.a_core:,.0f} in order"
    )
    print(
        f"  and {late.a_core:,.0f} late (a machine with other work to do shows less a second, not more CPU)"
    )
    return int(min(in_order.a_core, late.a_core) < GOAL_A_SECOND)


if __name__ == "__main__":
    sys.exit(run_loop(main()))
