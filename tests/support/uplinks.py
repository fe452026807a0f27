"""An uplink over a real spool, and who carries out what its hub says. The hub is in fake_hub.py."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.fake_hub import TOKEN, FakeHub

from checks.core.result import Outcome, Result
from prober import wire
from prober.agent.clock import AgentClock
from prober.agent.dial import HubAddress
from prober.agent.greeting import Identity
from prober.agent.keys import AgentKey
from prober.agent.sealing import Content
from prober.agent.spool import Spool
from prober.agent.uplink import Uplink
from prober.wire import Alone, Assignment, Record

HEALTH = wire.Health(worst_lag_us=0, in_flight=0, queued=0, cpu_us=0, resident_bytes=0, clock_steps=0)


@dataclass(slots=True)
class Orders:
    """What the agent was told to do."""

    assigned: list[Assignment] = field(default_factory=list)
    rechecked: list[tuple[int, ...]] = field(default_factory=list)
    told_alone: list[Alone] = field(default_factory=list)
    busy: bool = True

    async def assign(self, assignment: Assignment, data: bytes) -> None:
        assert wire.decode(data) == assignment
        self.assigned.append(assignment)

    def recheck(self, numbers: tuple[int, ...]) -> None:
        self.rechecked.append(numbers)

    def alone(self, message: Alone) -> None:
        self.told_alone.append(message)

    def can_wait(self) -> bool:
        return self.busy


@dataclass(slots=True)
class Bench:
    """An uplink under test, its spool, and who carries out its orders."""

    uplink: Uplink
    spool: Spool
    orders: Orders
    clock: AgentClock
    slot: int = 0

    async def append(self, count: int = 1, started_us: int = 0, hub: bytes = b"store-of-the-hub") -> None:
        """Append batches of one result each; slots count up."""
        for _ in range(count):
            started = started_us or time.time_ns() // 1000
            result = Result(outcome=Outcome.PASS, started_us=started, duration_us=1, phases_us={})
            record = Record(1, self.slot, 0, 0, result)
            self.slot += 1
            await self.spool.append(
                Content(
                    digest="d",
                    hub=hub,
                    records=(record,),
                    gaps=(),
                    health=HEALTH,
                    clock=self.uplink.clock_state(),
                )
            )


@contextlib.asynccontextmanager
async def bench(
    folder: Path, hub: FakeHub, *, token: str = TOKEN, region: str = "fra", busy: bool = True
) -> AsyncIterator[Bench]:
    """Make an uplink that does not run yet."""
    key = AgentKey.load_or_make(folder)
    name = f"{region}-1"
    spool, clock, orders = Spool(folder, key, name), AgentClock(), Orders(busy=busy)
    await spool.open()
    agent = Identity(name=name, region=region, key=key, started_us=1)
    try:
        yield Bench(
            Uplink(HubAddress.of(hub.url, token, None, {}), agent, spool, orders, clock), spool, orders, clock
        )
    finally:
        await spool.close()


@contextlib.asynccontextmanager
async def running(folder: Path, hub: FakeHub) -> AsyncIterator[Bench]:
    """Run an uplink until the end of the block."""
    async with bench(folder, hub) as made:
        task = asyncio.create_task(made.uplink.run())
        try:
            yield made
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once after whatever failed."""
    monkeypatch.setattr("prober.agent.backoff.FIRST_SECONDS", 0.05)
    monkeypatch.setattr("prober.agent.backoff.LONGEST_SECONDS", 0.2)
    monkeypatch.setattr("prober.agent.backoff.LASTING_SECONDS", 0.3)
