"""The agent processes of this machine's own regions, as many as the work needs, each with its share of it.

Not here: how one process is kept alive (`agents.py`), and agents of other machines (`remotes.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from prober import wire
from prober.config import Config
from prober.store.base import SeriesRow, Store
from prober.wire import Alone, Assignment, Recheck

from .agents import LocalAgent
from .pipeline import Pipeline
from .plan import Origin, agents_needed, assignment, local_regions, resumed, share_out, wire_series
from .view import AgentView, View

BEGIN_SECONDS = 2.0  # how long agents that start are waited for


class Crew:
    """The local agents. `adopt` a configuration, then `start` who is missing; `reassign` after another one."""

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        view: View,
        spawn: Callable[[Coroutine[Any, Any, None], str], object],
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._view = view
        self._spawn = spawn
        self._config = view.config
        self._origin = Origin()
        self._split: list[tuple[wire.Series, ...]] = []  # by agent
        self._agents: list[LocalAgent] = []

    def adopt(self, config: Config, origin: Origin, rows: Sequence[SeriesRow]) -> None:
        """Take a configuration; nobody is told of it yet."""
        self._config, self._origin = config, origin
        series = wire_series(config, rows, {})
        # As many as ever: one that is left without work keeps quiet, and is there when work comes back.
        self._split = share_out(series, max(len(self._split), agents_needed(config, series)))

    async def reassign(self) -> None:
        """Tell those that run; who runs already gives up what others will run before those are started."""
        for agent in self._agents:
            agent.view.regions = tuple(local_regions(self._config))
            await agent.assign()

    def start(self) -> None:
        """Start as many as are missing."""
        for share in range(len(self._agents), len(self._split)):
            name = f"local-{share + 1}"
            view = AgentView(name=name, regions=tuple(local_regions(self._config)))
            self._view.agents[name] = view
            agent = LocalAgent(view, self._pipeline, partial(self._assignment, share), self._view.regions)
            self._agents.append(agent)
            self._spawn(agent.run(), f"agent {name}")

    async def stop(self) -> None:
        """Let them deliver and leave."""
        await asyncio.gather(*(agent.stop() for agent in self._agents))

    async def began(self) -> None:
        """Wait until every one has reported, but not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_SECONDS):
                for agent in self._agents:
                    await agent.began.wait()

    def recheck(self, numbers: Collection[int]) -> None:
        """Let these series be run once at once, as far as they are run here."""
        for agent, series in zip(self._agents, self._split, strict=False):
            if wanted := tuple(each.number for each in series if each.number in numbers):
                agent.tell(Recheck(wanted))

    def alone(self, region: str, number: int) -> None:
        """Let canaries be asked where a series is run that fails here alone."""
        for agent, series in zip(self._agents, self._split, strict=False):
            if any(each.number == number for each in series):
                agent.tell(Alone(region, number))

    async def _assignment(self, share: int, taken: Mapping[int, int]) -> Assignment:
        slots = await self._store.last_slots()
        # What was taken in but is not committed yet has its fate too. Slots ahead of now are ours: this machine's clock
        # was set back, and what it lives again are rechecks.
        series = resumed(self._split[share], None, slots, taken)
        self._agents[share].view.series = len(series)
        return assignment(self._config, self._origin, series, local_regions(self._config))
