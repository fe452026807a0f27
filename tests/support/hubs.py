"""A hub's judging half over a real store: pipeline, publisher, history; batches made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.configs import loaded

from checks.core.result import Failure, Outcome, Result
from prober import wire
from prober.agent.grid import Grid
from prober.config import Config
from prober.hub.history import MemoryHistory
from prober.hub.hub import Hub
from prober.hub.publish import Publisher
from prober.hub.view import ReloadView, View
from prober.store import open_store
from prober.wire import Batch, Gap, Health, Kind, Record

S = 1_000_000
T = 30 * S
NOW_US = 1_790_000_000 * S
HEALTH = Health(worst_lag_us=0, in_flight=0, queued=0, cpu_us=0, resident_bytes=0, clock_steps=0)
THREE = """
regions:
  fra: {title: Frankfurt, token: 0123456789abcdef-1}
  iad: {title: Virginia, token: 0123456789abcdef-2}
  sin: {title: Singapore, token: 0123456789abcdef-3}
defaults: {confirm: {retries: 0}}
probes:
  - name: web
    tcp: {address: "127.0.0.1:9"}
services:
  - {name: shop, probes: [web]}
"""


class NoMetrics:
    """Takes what metrics would."""

    def restructure(self, view: View) -> None: ...
    def take(self, series_number: int, record: Record) -> None: ...
    def gap(self, series_number: int, gap: Gap) -> None: ...
    def state(self, subject: str, state: object) -> None: ...


@dataclass(slots=True)
class Wall:
    """A wall clock that a test sets."""

    now_us: int = NOW_US

    def read(self) -> int:
        return self.now_us


@dataclass(slots=True)
class Rig:
    """A started hub without agents of its own (its regions are remote), and a clock."""

    hub: Hub
    view: View
    history: MemoryHistory
    wall: Wall
    chains: dict[tuple[str, int], tuple[int, bytes]] = field(default_factory=dict)

    def grid(self, region: str) -> Grid:
        return next(state.grid for state in self.hub.series.values() if state.row.region == region)

    def number(self, region: str) -> int:
        return next(number for number, state in self.hub.series.items() if state.row.region == region)

    def record(
        self, region: str, slot: int, outcome: Outcome = Outcome.PASS, kind: Kind = Kind.SCHEDULED
    ) -> Record:
        """A run of a slot that began when it was due and took a millisecond."""
        failures = (Failure("connect_refused", "refused"),) if outcome is Outcome.FAIL else ()
        started_us = self.grid(region).due_us(slot)
        result = Result(
            outcome=outcome,
            started_us=started_us,
            duration_us=1000,
            phases_us={"connect": 1000},
            failures=failures,
        )
        return Record(self.number(region), slot, int(kind), 0, result)

    def batch(
        self, records: Sequence[Record], gaps: Sequence[Gap] = (), agent: str = "a", epoch: int = 1
    ) -> Batch:
        """The next batch of an agent's chain."""
        sequence, previous = self.chains.get((agent, epoch), (0, b""))
        made = Batch(
            version=wire.VERSION, agent=agent, epoch=epoch, sequence=sequence + 1, previous=previous,
            digest=self.hub.config.digest, records=tuple(records), gaps=tuple(gaps), health=HEALTH,
        )  # fmt: skip
        self.chains[agent, epoch] = (sequence + 1, wire.digest(wire.encode(made)))
        return made

    async def take(self, *records: Record) -> None:
        """Deliver records in one batch; the clock follows them."""
        self.wall.now_us = max([self.wall.now_us, *(record.result.started_us + 2000 for record in records)])
        made = self.batch(records)
        async with asyncio.timeout(10):
            await self.hub.pipeline.take(made, wire.encode(made))


@asynccontextmanager
async def hub(folder: Path, config: Config | str = THREE, wall: Wall | None = None) -> AsyncIterator[Rig]:
    """Run a hub on a store in a folder."""
    accepted = loaded(config) if isinstance(config, str) else config
    clock = wall or Wall()
    view = View(config=accepted, started_us=clock.now_us, reload=ReloadView(ok=True, at_us=clock.now_us))
    history = MemoryHistory()
    store = open_store(f"sqlite:///{folder / 'prober.db'}")
    await store.open()
    made = Hub(accepted, store, Publisher(view, history, NoMetrics()), history, clock.read)
    await made.start()
    try:
        yield Rig(made, view, history, clock)
    finally:
        await made.stop()
