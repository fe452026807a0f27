"""What the hub does about what it sees of regions: it asks for a second look, and shows who is silent or alone.

Wiring and I/O around the pure parts: `doubts.py` (what is asked), `lone.py` (who is alone), `quiet.py` (who is
silent), `upkeep.py` (how far the record is complete). Called after each commit, and about once a second without one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from prober.config import Config
from prober.config.resolve import HUB_REGION

from .doubts import Doubts, Questions
from .fold import Fold
from .judge import Judged
from .lone import Lone, Warned
from .plan import is_passive, probe_policy
from .quiet import heard_of, limits_of
from .series import SeriesState
from .upkeep import settled_us, watch_regions
from .view import RegionWatch, View
from .voice import Voice

TICK_SECONDS = 1.0


class Asked(Protocol):
    """Who passes questions on to agents."""

    def recheck(self, numbers: Collection[int]) -> None: ...
    def alone(self, region: str, number: int) -> None: ...


class Lookout:
    """One per hub. `configure` with each configuration, `committed` after each commit, `run` beside."""

    def __init__(self, view: View, voice: Voice, asked: Collection[Asked], now_us: Callable[[], int]) -> None:
        self.doubts = Doubts()
        self._lone = Lone()
        self._view = view
        self._voice = voice
        self.asked = asked
        self._now_us = now_us

    def configure(self, config: Config, series: Mapping[int, SeriesState], fold: Fold) -> None:
        """Take a configuration; what was seen of regions that stay is kept."""
        now_us = self._now_us()
        names = [region.name for region in config.regions if region.name != HUB_REGION]
        before = dict(self._view.regions)
        self._view.regions.clear()  # changed in place: agents hold it too
        self._view.regions.update({name: before.get(name) or RegionWatch(name=name) for name in names})
        policies = [probe_policy(probe) for probe in config.probes]
        self.doubts.configure(policies, series)
        self._voice.quiet.configure(limits_of(policies), now_us)
        probes = [probe for probe in config.probes if not is_passive(probe)]
        self._warn(self._lone.configure(probes, fold.region, now_us))

    def committed(self, judged: Judged) -> None:
        """Act on what is on record now."""
        now_us = self._now_us()
        self._ask(self.doubts.note(judged.records, now_us))
        self._warn(self._lone.note(judged.changes, now_us))

    async def run(self) -> None:
        """Let time pass, until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Look at everything that changes by time alone."""
        now_us, view = self._now_us(), self._view
        agents, settle_after_us = list(view.agents.values()), view.config.agents.settle_after_us
        watch_regions(view.regions, agents, now_us - settle_after_us, now_us)
        view.settled_us = settled_us(view.regions.values(), agents, settle_after_us, now_us)
        quiet = self._voice.quiet
        quiet.store(view.store.writable, now_us)
        self._voice.hear(heard_of(agents), now_us)
        view.all_silent_since_us = quiet.all_silent_since_us
        for name, watch in view.regions.items():
            watch.silent = name in quiet.silent
        self._ask(self.doubts.note((), now_us))
        self._warn(self._lone.note((), now_us))

    def _ask(self, questions: Questions) -> None:
        for asked in self.asked:
            if questions.recheck:
                asked.recheck(frozenset(questions.recheck))
            for region, number in questions.alone:
                asked.alone(region, number)

    def _warn(self, warnings: list[Warned]) -> None:
        self._voice.warn(warnings)
        for name, watch in self._view.regions.items():
            lonely = self._lone.alone(name)
            watch.alone = lonely.probes if lonely is not None else ()
            watch.alone_since_us = lonely.since_us if lonely is not None else 0
