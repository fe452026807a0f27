"""The agent of a remote region, put together: runner, sight, spool and uplink; and its life from start to SIGTERM.

It needs one folder to write in, and the hub only for what is new: it starts from the assignment it had last, goes
on while the hub is away, and loses nothing that has been sealed. No rule of the business lives here.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import time
from dataclasses import replace

from checks.core.clock import wall_us
from checks.core.reactor import Reactor
from prober import __version__, logs
from prober.systemd import Notifier
from prober.wire import Alone, Assignment

from .adopting import is_of_region, resumed, runnable
from .cache import Cache
from .clock import AgentClock
from .collector import MAX_RECORDS, Collector
from .dial import HubAddress, LinkError
from .greeting import Identity
from .health import freeze, take_health
from .keys import AgentKey, default_name
from .memory import give_back
from .options import Options
from .progress import warn_of_held
from .runner import Runner
from .sealing import Content
from .sight import Sight
from .spool import Spool
from .uplink import Uplink

log = logging.getLogger("prober.agent")
FLUSH_SECONDS = 0.2  # how long news wait for company while there is a hub to hear them
PASS_SECONDS = 1.0  # how long everything else waits
IDLE_SECONDS = (
    5.0  # until one with nothing to tell says so: each batch costs the disk three pages and a flush
)
CACHE_SECONDS = 1.0  # how long a start waits for the hub before it goes on from what it had
GOODBYE_SECONDS = 2.0  # how long a leaving agent waits for the hub to take the rest


class RemoteAgent:
    """One life of an agent under one hub's store. `has_successor`: there is another one, for another store."""

    def __init__(
        self, hub: HubAddress, agent: Identity, spool: Spool, cache: Cache, reactor: Reactor
    ) -> None:
        self.has_successor = False
        self._agent = agent
        self._spool = spool
        self._cache = cache
        self._reactor = reactor
        self._clock = AgentClock()
        self._collector = Collector()
        self._sight = Sight(
            reactor,
            self._clock,
            self._collector.add,
            self._collector.under,
            lambda number: self._runner.target_of(number),
        )
        self._runner = Runner(reactor, self._sight.report, self._clock)
        self._uplink = Uplink(hub, agent, spool, self, self._clock)
        self._cached: Assignment | None = None
        self._hub: bytes | None = None  # the store whose assignment is run; None: none is
        self._told = 0.0  # monotonic: when something was sealed last
        self._assigned: tuple[str, int] | None = None  # digest and number of series, for the log
        self._cut_off: set[str] = set()  # regions, for the log
        self._problem: LinkError | None = None
        self._leaving = asyncio.Event()

    async def run(self) -> None:
        """Serve until `stop`. Raises LinkError when the hub never let it in and it cannot go on without."""
        cached = await asyncio.to_thread(self._cache.load)
        if cached is not None and is_of_region(cached, self._agent.region):
            self._cached = cached
        async with asyncio.TaskGroup() as tasks:
            others = [
                tasks.create_task(self._keep_link()),
                tasks.create_task(self._start_without_hub()),
            ]
            await self._tell_all()
            for task in others:
                task.cancel()
        if self._problem is not None:
            raise self._problem

    def stop(self) -> None:
        """Ask it to stop: it spools what it has, delivers what it can, and is gone within seconds."""
        self._leaving.set()

    # What the hub says

    async def assign(self, assignment: Assignment, data: bytes) -> None:
        """Run this from now on, and keep it for a start without the hub."""
        if self._hub is not None and assignment.hub != self._hub:
            log.warning("the hub has another store now: everything begins anew")
            self.has_successor = True
            self._leaving.set()
        else:
            self._adopt(assignment, cached=False)
        await asyncio.to_thread(self._cache.save, data)

    def recheck(self, numbers: tuple[int, ...]) -> None:
        """Run these once at once."""
        self._runner.recheck(numbers)

    def alone(self, message: Alone) -> None:
        """Ask the canaries of a region that is alone in what it sees."""
        self._sight.alone(message)

    def can_wait(self) -> bool:
        """Say whether there is something to run without a hub."""
        return self._hub is not None or self._cached is not None

    # Its life

    async def _keep_link(self) -> None:
        try:
            await self._uplink.run()
        except LinkError as problem:
            self._problem = problem
            self._leaving.set()

    async def _start_without_hub(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CACHE_SECONDS):
                await self._uplink.tried.wait()
        if self._hub is None and self._cached is not None:
            log.info("started without the hub, from its last assignment")
            self._adopt(self._cached, cached=True)

    def _adopt(self, assignment: Assignment, *, cached: bool) -> None:
        is_first, self._hub = self._hub is None, assignment.hub
        slots = self._spool.last_slots(assignment.hub)
        assignment, held = runnable(resumed(assignment, slots, cached=cached), self._runner.shared.check_for)
        self._sight.assign(assignment)
        self._runner.follow_clock()  # before a slot is found by it: the hub's time may already be known to be another
        self._runner.assign(assignment)
        del held  # from here on the runner holds them
        self._cached = None
        freeze()
        if is_first:  # nothing is being measured yet
            give_back()
        assigned = assignment.digest, len(assignment.series)
        if assigned != self._assigned:
            self._assigned = assigned
            log.info("assigned", extra={"series": assigned[1], "digest": assigned[0][:12]})

    async def _tell_all(self) -> None:
        while not self._leaving.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._leaving.wait()
            await self._flush_if_due()
        self._runner.stop()
        self._sight.close()
        await self._flush(even_empty=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._take_leave()

    async def _take_leave(self) -> None:
        """Deliver the rest, and then say that nothing is to be waited for: unlike an agent that died."""
        await self._uplink.until_delivered()
        content = self._content(even_empty=True)
        if content is not None and self._uplink.has_delivered_all and not self.has_successor:
            await self._spool.append(replace(content, leaving=True))
            await self._uplink.until_delivered()

    async def _flush_if_due(self) -> None:
        is_linked = self._uplink.is_linked
        waited = time.monotonic() - self._told
        due = waited >= PASS_SECONDS
        has_news = self._collector.has_news or self._sight.has_news
        if due or (has_news and is_linked) or self._collector.pending >= MAX_RECORDS:
            # Nobody hears how far an agent is complete while the hub is away: the disk is spared.
            await self._flush(even_empty=self._sight.has_news or (waited >= IDLE_SECONDS and is_linked))

    async def _flush(self, *, even_empty: bool) -> None:
        while (content := self._content(even_empty)) is not None:
            even_empty = False
            self._told = time.monotonic()
            await self._spool.append(content)

    def _content(self, even_empty: bool) -> Content | None:
        """Return what the next batch tells, None for nothing. Taken and dated in one go, nothing happens in between."""
        if self._hub is None or not (self._collector.pending or even_empty):
            return None
        digest, records, gaps = self._collector.take()
        cutoffs = self._sight.take_cutoffs()
        for cutoff in cutoffs:
            self._tell_cutoff(cutoff.region, cutoff.reached, cutoff.evidence)
        return Content(
            digest=digest,
            hub=self._hub,
            records=records,
            gaps=gaps,
            health=take_health(self._reactor, self._runner),
            complete_us=self._complete_us(),
            clock=self._uplink.clock_state(),
            clock_events=self._sight.take_clock_events(),
            cutoffs=cutoffs,
        )

    def _complete_us(self) -> int:
        open_us = self._runner.oldest_in_flight_us(), self._sight.oldest_held_us()
        return self._collector.complete_us(self._clock.now_us(), *open_us)

    def _tell_cutoff(self, region: str, reached: bool, evidence: tuple[str, ...]) -> None:
        extra = {"region": region, "evidence": evidence}
        if not reached and region not in self._cut_off:
            self._cut_off.add(region)
            log.warning("cut off: no canary can be reached, failures are void", extra=extra)
        elif reached and region in self._cut_off:
            self._cut_off.discard(region)
            log.info("no longer cut off: canaries can be reached", extra=extra)


async def _serve(options: Options) -> None:
    notifier = Notifier(os.environ)
    key = await asyncio.to_thread(AgentKey.load_or_make, options.folder)
    agent = Identity(
        name=options.name or default_name(options.region, key.public),
        region=options.region,
        key=key,
        started_us=wall_us(),
    )
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as tasks:
        pulse = tasks.create_task(_pulse(notifier))
        while not await _one_life(options, agent, notifier, stopping):
            pass
        notifier.tell("STOPPING=1")
        pulse.cancel()


async def _one_life(options: Options, agent: Identity, notifier: Notifier, stopping: asyncio.Event) -> bool:
    """Run under one hub's store; True when that was all."""
    spool = Spool(options.folder, agent.key, agent.name, options.limits, region=agent.region)
    await spool.open()
    reactor = Reactor(asyncio.get_running_loop())
    life = RemoteAgent(options.hub, agent, spool, Cache(options.folder), reactor)
    extra = {"version": __version__, "agent": agent.name, "region": agent.region, "hub": options.hub.shown()}
    log.info("started", extra={**extra, "spool": str(options.folder)})
    warn_of_held(spool.held())
    notifier.tell("READY=1", f"STATUS=agent {agent.name} of region {agent.region}")
    waiting = asyncio.create_task(_stop_with(stopping, life))
    try:
        await life.run()
    finally:
        waiting.cancel()
        await spool.close()
        reactor.close()
    return stopping.is_set() or not life.has_successor


async def _stop_with(stopping: asyncio.Event, life: RemoteAgent) -> None:
    await stopping.wait()
    log.info("stopping")
    life.stop()


async def _pulse(notifier: Notifier) -> None:
    """Tell the service manager that the loop turns."""
    while notifier.watchdog_seconds:
        notifier.tell("WATCHDOG=1")
        await asyncio.sleep(notifier.watchdog_seconds / 3)


def main(options: Options, log_format: str = "auto", log_level: str = "info") -> int:
    """Run an agent until it is told to stop; returns 0. Raises AgentError or LinkError when it cannot start."""
    gc.disable()  # a start makes many objects and next to no garbage; see `freeze`
    logs.configure(log_format, log_level)
    for warning in options.warnings:
        log.warning(warning)
    try:
        # The checks' sockets are the reactor's: here uvloop would save no time, and cost 2 MB.
        asyncio.run(_serve(options))
    except BaseExceptionGroup as group:
        raise _only(group) from None
    return 0


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one thing that went wrong, out of the groups that tasks wrap it in; the group where it is not one."""
    if len(group.exceptions) > 1:
        return group
    only = group.exceptions[0]
    return _only(only) if isinstance(only, BaseExceptionGroup) else only
