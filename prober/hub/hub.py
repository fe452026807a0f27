"""The hub put together: opens the store, restores what was, runs pipeline and agents, takes new configurations.

Composition and life cycle only: what is decided lives in judge.py and verdict.py, what is served in view.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from prober.config import Config
from prober.store.base import RunRow, SeriesRow, Store, StoreError
from reports.evidence import Stretches

from .crew import Crew
from .fold import Fold
from .heartbeats import Heartbeats
from .history import KEPT_DAYS, MemoryHistory, add_run
from .judge import Judge
from .lookout import Lookout
from .pipeline import Pipeline
from .plan import Origin, grid_of, probe_policy, service_policy, wanted_series
from .publish import Publisher
from .remotes import Remotes
from .restoring import restore_standings
from .series import SeriesState

log = logging.getLogger(__name__)
DAY_US = 86_400_000_000
READ_AGAIN_SECONDS = 5.0  # after the past could not be read
BESIDE = "beside"  # tasks that run for ever and have nothing to finish
FORGET_SECONDS = 3600.0  # how often what is too old for every window is dropped from memory


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
        self._origin = Origin()
        self._rows: list[SeriesRow] = []
        self._all_rows: list[SeriesRow] = []  # of all configurations there ever were
        self.loaded = asyncio.Event()  # the past was read, or could not be
        self.on_failure: Callable[[], None] = lambda: None  # half a daemon is worse than none: told to end it
        self._tasks: set[asyncio.Task[None]] = set()
        fold = Fold([], [])
        self.pipeline = Pipeline(store, Judge(fold, self.series), publisher, publisher.view.store, now_us)
        self.heartbeats = Heartbeats(self.pipeline, store, publisher.view.agents, now_us)
        self.crew = Crew(store, self.pipeline, publisher.view, self._spawn)
        self.remotes = Remotes(self.pipeline, store, publisher.view, now_us)
        self.lookout = Lookout(publisher.view, publisher.voice, (self.crew, self.remotes), now_us)
        self.pipeline.after_commit = self.lookout.committed
        publisher.voice.clock = now_us

    async def start(self) -> None:
        """Restore what is on record, then let agents run; the past for figures is read afterwards."""
        self._origin = Origin(seed=await self.store.seed(), hub=await self.store.store_id())
        await self.pipeline.restore()
        await self.remotes.start()
        async with self.pipeline.judging:
            await self._adopt(self.config)
        await restore_standings(self.store, self.pipeline.judge)
        self._publisher.configure(self.config, self.series, self.pipeline.judge.fold)
        self.lookout.configure(self.config, self.series, self.pipeline.judge.fold)
        await self.pipeline.settle()
        self._spawn(self.pipeline.run())
        await self.heartbeats.adopt(self.config, self.series)
        self._spawn(self.heartbeats.run(), name="agent hub")
        self.crew.start()
        await self._adopt_remotes(self.config)
        self._spawn(self.remotes.run(), name="agents elsewhere")
        self._spawn(self.lookout.run(), name=BESIDE)
        self._spawn(self._load_history(), name=BESIDE)

    async def reload(self, config: Config) -> None:
        """Swap the configuration; series that did not change keep grid, state and history."""
        async with self.pipeline.judging:
            await self._adopt(config)
        self.config = config
        self._publisher.configure(config, self.series, self.pipeline.judge.fold)
        self.lookout.configure(config, self.series, self.pipeline.judge.fold)
        await self.pipeline.settle()
        await self.heartbeats.adopt(config, self.series)
        await self.crew.reassign()
        self.crew.start()
        await self._adopt_remotes(config)

    async def stop(self) -> None:
        """Let agents deliver and leave, commit what came, close the store."""
        await asyncio.gather(self.heartbeats.stop(), self.remotes.stop(), self.crew.stop())
        for task in self._tasks:
            if task.get_name() == BESIDE:
                task.cancel()
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
        self._all_rows = await self.store.all_series()
        # No await from here on: what is in memory is newer than the store by the write under way.
        runs = stored | {number: state.run for number, state in self.series.items() if state.run is not None}
        # Those that stay are the same values: what is known of their newest slot is not on record as such.
        states = {
            row.number: self.series.get(row.number)
            or SeriesState(row=row, grid=grid_of(row, self._origin.seed), run=runs.get(row.number))
            for row in self._rows
        }
        self.series.clear()
        self.series.update(states)
        self.pipeline.judge.know(self._all_rows, lambda row: grid_of(row, self._origin.seed))
        self.rows.clear()
        self.rows.update({row.number: row for row in self._rows})
        fold = Fold(
            [probe_policy(probe) for probe in config.probes],
            [service_policy(service) for service in config.services],
        )
        self.pipeline.judge.become(fold, self._now_us())
        self.history.configure(
            [probe_policy(probe) for probe in config.probes],
            [service_policy(service) for service in config.services],
            self.series,
        )
        self.crew.adopt(config, self._origin, self._rows)

    async def _adopt_remotes(self, config: Config) -> None:
        await self.remotes.adopt(config, self._origin, self._rows, self._all_rows)

    async def _load_history(self) -> None:
        try:
            await self.crew.began()
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
