"""The hub put together: opens the store, restores what was, runs pipeline and agents, takes new configurations.

Composition and life cycle only: what is decided lives in judge.py and verdict.py, what is served in view.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from prober import wire
from prober.config import Config
from prober.store.base import RunRow, SeriesRow, Store, StoreError
from prober.wire import Assignment
from reports.evidence import Stretches

from .agents import LocalAgent
from .heartbeats import Heartbeats
from .history import KEPT_DAYS, MemoryHistory, add_run
from .judge import Judge, SeriesState
from .pipeline import Pipeline
from .plan import (
    agents_needed,
    grid_of,
    local_regions,
    probe_policy,
    service_policy,
    share_out,
    wanted_series,
    wire_resolvers,
    wire_series,
)
from .publish import Publisher
from .verdict import Fold, State
from .view import AgentView

log = logging.getLogger(__name__)
DAY_US = 86_400_000_000
READ_AGAIN_SECONDS = 5.0  # after the past could not be read
FORGET_SECONDS = 3600.0  # how often what is too old for every window is dropped from memory
BEGIN_SECONDS = 2.0  # how long the past waits for agents that start


class Hub:
    """One per daemon. `start`, then `reload` as often as wanted, then `stop`."""

    def __init__(
        self,
        config: Config,
        store: Store,
        publisher: Publisher,
        history: MemoryHistory,
        now_us: Callable[[], int],
    ) -> None:
        self.config = config
        self.store = store
        self.history = history
        self.series: dict[int, SeriesState] = {}  # changed in place: the judge and the listeners hold it too
        self.rows: dict[int, SeriesRow] = {}
        self._publisher = publisher
        self._now_us = now_us
        self._seed = b""
        self._rows: list[SeriesRow] = []
        self._wired: tuple[Config, list[SeriesRow], list[wire.Series]] | None = None
        self.loaded = asyncio.Event()  # the past was read, or could not be
        self._agents: list[LocalAgent] = []
        self.on_failure: Callable[[], None] = lambda: None  # half a daemon is worse than none: told to end it
        self._shares = 0  # how many agents the series are split over
        self._tasks: set[asyncio.Task[None]] = set()
        fold = Fold([], [])
        self.pipeline = Pipeline(store, Judge(fold, self.series), publisher, publisher.view.store, now_us)
        self.heartbeats = Heartbeats(self.pipeline, store, publisher.view.agents, now_us)

    async def start(self) -> None:
        """Restore what is on record, then let agents run; the past for figures is read afterwards."""
        self._seed = await self.store.seed()
        await self.pipeline.restore()
        await self._adopt(self.config)
        await self._restore_standings()
        self._publisher.configure(self.config, self.series, self.pipeline.judge.fold)
        await self.pipeline.settle()
        self._spawn(self.pipeline.run())
        await self.heartbeats.adopt(self.config, self.series)
        self._spawn(self.heartbeats.run(), name="agent hub")
        self._shares = self._agents_needed()
        self._start_agents()
        self._spawn(self._load_history())

    async def reload(self, config: Config) -> None:
        """Swap the configuration; series that did not change keep grid, state and history."""
        await self._adopt(config)
        self.config = config
        self._publisher.configure(config, self.series, self.pipeline.judge.fold)
        await self.pipeline.settle()
        await self.heartbeats.adopt(config, self.series)
        # Who runs already gives up what others will run before those are started.
        self._shares = max(self._shares, self._agents_needed())
        for agent in self._agents:
            await agent.assign()
        self._start_agents()

    async def stop(self) -> None:
        """Let agents deliver and leave, commit what came, close the store."""
        await asyncio.gather(self.heartbeats.stop(), *(agent.stop() for agent in self._agents))
        running = [task for task in self._tasks if not task.done() and task.get_name().startswith("agent")]
        if running:
            await asyncio.wait(running, timeout=3.0)
        self.pipeline.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=1.0)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.store.close()

    def start_of(self, series: int, slot: int) -> int:
        """Return the due instant of a slot; 0 for a series that this configuration does not have."""
        state = self.series.get(series)
        return state.grid.due_us(slot) if state is not None else 0

    def slot_at(self, series: int, at_us: int) -> int:
        """Return the slot that contains an instant."""
        state = self.series.get(series)
        return state.grid.slot_at(at_us) if state is not None else 0

    async def _adopt(self, config: Config) -> None:
        stored = {run.series: run for run in await self.store.open_runs()}
        self._rows = await self.store.series(wanted_series(config, self._now_us()))
        # No await from here on: what is in memory is newer than the store by the write under way.
        runs = stored | {number: state.run for number, state in self.series.items() if state.run is not None}
        states = {
            row.number: SeriesState(row=row, grid=grid_of(row, self._seed), run=runs.get(row.number))
            for row in self._rows
        }
        self.series.clear()
        self.series.update(states)
        self.rows.clear()
        self.rows.update({row.number: row for row in self._rows})
        fold = Fold(
            [probe_policy(probe) for probe in config.probes],
            [service_policy(service) for service in config.services],
        )
        fold.inherit(self.pipeline.judge.fold)
        self.pipeline.judge.fold = fold
        self.history.configure(
            [probe_policy(probe) for probe in config.probes],
            [service_policy(service) for service in config.services],
            self.series,
        )

    async def _restore_standings(self) -> None:
        fold = self.pipeline.judge.fold
        for subject, change in (await self.store.last_changes()).items():
            fold.restore(subject, State(change.after), change.at_us, change.because)
        for state in self.series.values():
            run, standing = state.run, fold.region(state.row.probe, state.row.region)
            failing = None
            if run is None:
                last_us = standing.since_us  # another grid than the one it was seen on
            elif run.outcome == "void":
                last_us = max(run.first_us, standing.since_us)  # the last usable result lies just before
            else:
                last_us = run.last_us
                failing = (run.count, run.first_us, run.code or "") if run.outcome == "fail" else None
            fold.restore_evidence(state.row.probe, state.row.region, last_us, failing)

    async def _assignment(self, share: int, taken: Mapping[int, int]) -> Assignment:
        slots = await self.store.last_slots()
        # What was taken in but is not committed yet has its fate too.
        resume = {
            number: max(slots.get(number, -1), taken.get(number, -1)) + 1
            for number in slots.keys() | taken.keys()
        }
        series = [
            msgspec.structs.replace(each, resume_slot=resume[each.number]) if each.number in resume else each
            for each in self._wire_series()
        ]
        shares = share_out(series, self._shares)
        return Assignment(
            version=wire.VERSION,
            digest=self.config.digest,
            seed=self._seed,
            series=shares[share],
            max_lag_us=self.config.agents.max_lag_us,
            max_in_flight=self.config.agents.max_in_flight,
            resolvers=wire_resolvers(self.config),
        )

    def _agents_needed(self) -> int:
        return agents_needed(self.config, self._wire_series())

    def _wire_series(self) -> list[wire.Series]:
        """Return what agents run, as it was for this configuration: options are put into bytes once."""
        wired = self._wired
        if wired is None or wired[0] is not self.config or wired[1] is not self._rows:
            wired = self._wired = (self.config, self._rows, wire_series(self.config, self._rows, {}))
        return wired[2]

    def _start_agents(self) -> None:
        for share in range(len(self._agents), self._shares):
            name = f"local-{share + 1}"
            view = AgentView(name=name, regions=tuple(local_regions(self.config)))
            self._publisher.view.agents[name] = view
            self._agents.append(LocalAgent(view, self.pipeline, partial(self._assignment, share)))
            self._spawn(self._agents[-1].run(), name=f"agent {name}")

    async def _load_history(self) -> None:
        try:
            await self._agents_began()
            while True:
                if await self._has_read_history():
                    break
                await asyncio.sleep(READ_AGAIN_SECONDS)
        finally:
            self.loaded.set()
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            self.history.forget_before(self._now_us() - KEPT_DAYS * DAY_US)

    async def _has_read_history(self) -> bool:
        try:
            await self._read_history()
        except StoreError as problem:
            log.error("the past cannot be read; figures have to wait", extra={"problem": str(problem)})
            return False
        return True

    async def _agents_began(self) -> None:
        """Wait until every agent has reported: the past is not read while they start."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_SECONDS):
                for agent in self._agents:
                    await agent.began.wait()

    async def _read_history(self) -> None:
        rows = {row.number: row for row in await self.store.all_series()}
        open_numbers = {
            number: state.run.number for number, state in self.series.items() if state.run is not None
        }
        past: defaultdict[int, Stretches] = defaultdict(Stretches)
        async for page in self.store.runs(self._now_us() - KEPT_DAYS * DAY_US):
            for run in _closed(page, open_numbers):
                add_run(past[run.series], run)
            await asyncio.sleep(0)
        self.history.load(past, rows)
        self.history.ready = True

    def _spawn(self, work: Coroutine[Any, Any, None], name: str = "hub") -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("a part of the daemon failed", exc_info=error, extra={"part": task.get_name()})
            self.on_failure()


def _closed(page: Iterable[RunRow], open_numbers: dict[int, int]) -> Iterable[RunRow]:
    # Runs that were opened or closed since the look at what is open come by themselves, with their commits.
    return (run for run in page if run.number < open_numbers.get(run.series, run.number + 1))
