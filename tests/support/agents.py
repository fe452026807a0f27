"""An agent's runner on a reactor, with what it reports collected; and series to give it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from checks.core.check import load_kinds
from checks.core.reactor import Reactor
from prober import wire
from prober.agent.clock import AgentClock, read_clocks
from prober.agent.clocks import Reading
from prober.agent.runner import Runner
from prober.wire import Assignment, Gap, Record, Resolver, Series

SEED = bytes(range(32))
WAIT_SECONDS = 10.0


@dataclass(slots=True)
class Reports:
    """What a runner reported, in order; `until` waits for more."""

    records: list[Record] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, item: Record | Gap) -> None:
        if isinstance(item, Gap):
            self.gaps.append(item)
        else:
            self.records.append(item)
        self._news.set()

    async def until(self, enough: Callable[[Reports], bool]) -> None:
        """Wait until enough was reported; raises TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not enough(self):
                self._news.clear()
                await self._news.wait()


@dataclass(slots=True)
class Wall:
    """A machine's clocks: a test sets the wall clock (`ahead_ns`) and lets the machine sleep (`slept_ns`)."""

    ahead_ns: int = 0
    slept_ns: int = 0

    def read(self) -> Reading:
        now = read_clocks()
        return replace(
            now,
            realtime_ns=now.realtime_ns + self.ahead_ns + self.slept_ns,
            boottime_ns=now.boottime_ns + self.slept_ns,
        )


@dataclass(slots=True)
class Bench:
    """A runner under test."""

    runner: Runner
    reports: Reports
    wall: Wall

    def assign(self, *series: Series, resolvers: tuple[Resolver, ...] = ()) -> None:
        self.runner.assign(
            Assignment(
                version=wire.VERSION,
                digest="d",
                seed=SEED,
                series=series,
                max_lag_us=50_000,
                max_in_flight=500,
                resolvers=resolvers,
            )
        )


@asynccontextmanager
async def running() -> AsyncIterator[Bench]:
    """Run a runner on this loop."""
    load_kinds()
    reactor = Reactor(asyncio.get_running_loop())
    wall, reports = Wall(), Reports()
    bench = Bench(Runner(reactor, reports.add, AgentClock(wall.read)), reports, wall)
    try:
        yield bench
    finally:
        bench.runner.stop()
        reactor.close()


def tcp_series(number: int, port: int, **changes: object) -> Series:
    """Return a series that connects to a port of loopback."""
    plain: dict[str, object] = {
        "number": number, "probe": f"p{number}", "region": "here", "kind": "tcp",
        "options": f'{{"address": "127.0.0.1:{port}"}}'.encode(), "interval_us": 100_000, "timeout_us": 1_000_000,
        "schedule": "stratified", "regions": ("here",), "retries": 0, "retry_after_us": 20_000, "recheck_us": 0,
        "source_address": None, "resume_slot": 0,
    }  # fmt: skip
    return Series(**(plain | changes))  # type: ignore[arg-type]  # a test's shorthand
