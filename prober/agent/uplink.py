"""The agent's side of the conversation with a remote hub: links up, again and again, delivers, and passes orders on.

Which batch goes next is decided in `deliveries.py`, what lies on disk is the spool's, what an order means is up to
whoever is given it. Losing the hub costs freshness and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from prober import wire
from prober.wire import (
    Ack,
    Alone,
    Ask,
    Assignment,
    ClockState,
    Goodbye,
    Recheck,
    Refusal,
    Time,
    UnknownMessage,
    WireError,
)

from .backoff import Backoff
from .clock import AgentClock
from .deliveries import Deliveries
from .dial import HubAddress, LinkError
from .greeting import STOP, Identity, WrongRegion, greet, refused
from .link import Link, open_link
from .offset import HubOffset
from .progress import Progress
from .spool import Spool

log = logging.getLogger("prober.agent")
BACKLOG_US = 60_000_000  # of age: then a new epoch begins, so that new results need not wait for old ones
ASK_SECONDS = 3.0  # without a stamp of the hub's, then it is asked for the time
FETCH_BYTES = 256 * 1024  # of packed batches that are read from the spool at once
ASIDE = "aside"


class Orders(Protocol):
    """Who carries out what the hub says."""

    async def assign(self, assignment: Assignment, data: bytes) -> None:
        """Run this from now on; `data` is the message as it came."""

    def recheck(self, numbers: tuple[int, ...]) -> None:
        """Run these once at once."""

    def alone(self, message: Alone) -> None:
        """Ask the canaries of a region that alone sees a failure."""

    def can_wait(self) -> bool:
        """Say whether there is something to do without a hub that has never let us in."""


class Uplink:
    """`run` forever. `tried` is set when the first try has ended, well or not."""

    def __init__(
        self, hub: HubAddress, agent: Identity, spool: Spool, orders: Orders, clock: AgentClock
    ) -> None:
        self.tried = asyncio.Event()
        self.is_linked = False
        self._hub = hub
        self._agent = agent
        self._spool = spool
        self._orders = orders
        self._clock = clock
        self._offset = HubOffset()
        self._times_set = clock.times_set
        self._stamped = 0.0  # monotonic: when the hub's clock was heard of last
        self._ever_linked = False
        self._hub_id = b""
        self._progress = Progress(hub.shown(), agent)
        self._deliveries = Deliveries()
        self._wake = asyncio.Event()  # something may have become possible for the sender
        self._moved = asyncio.Event()  # something was acknowledged, or the link is over
        self._handlers: dict[type, Callable[[Any], Awaitable[None]]] = {
            Ack: self._on_ack,
            Refusal: self._on_refusal,
            Recheck: self._on_recheck,
            Alone: self._on_alone,
            Time: self._on_time,
            Goodbye: self._on_goodbye,
        }

    async def run(self) -> None:
        """Keep a link. Raises LinkError only for a hub that has never let the agent in, when it cannot go on."""
        backoff = Backoff()
        while True:
            began = time.monotonic()
            try:
                await self._one_link()
            except LinkError as problem:
                if self._is_hopeless(problem):
                    raise  # it is told once, by whoever started the agent
                self._progress.failed(problem, time.monotonic())
                pause = backoff.pause(time.monotonic() - began)
                pause = backoff.lasting_pause() if problem.lasting else pause
            except Exception:  # whatever a hub makes of us, measuring goes on
                log.exception("a fault of the agent's own ended its link")
                pause = backoff.pause()
            finally:
                self.tried.set()
            await asyncio.sleep(pause)

    def clock_state(self) -> ClockState | None:
        """Return how far the system's clock is ahead of the hub's, as far as it is known."""
        if self._clock.times_set != self._times_set:
            self._times_set = self._clock.times_set
            self._offset.forget()
        return self._offset.state(self._clock.system_us())

    @property
    def has_delivered_all(self) -> bool:
        """The hub has all that is for it, and there is a link to say so."""
        return self.is_linked and not self._spool.epochs(self._hub_id)

    async def until_delivered(self) -> None:
        """Wait until the hub has taken everything of the epoch that grows, or the link is lost."""
        while self.is_linked and self._spool.epoch in self._spool.epochs(self._hub_id):
            self._moved.clear()
            await self._moved.wait()

    def _is_hopeless(self, problem: LinkError) -> bool:
        if self._ever_linked or not problem.lasting:
            return False
        return isinstance(problem, WrongRegion) or not self._orders.can_wait()

    # One link

    async def _one_link(self) -> None:
        link = await open_link(self._hub)
        try:
            greeting = await greet(link, self._agent, self._clock.system_us)
            welcome = greeting.welcome
            self._measured(welcome.asked_us, welcome.received_us, welcome.sent_us)
            self._hub_id = greeting.hub
            self._progress.broken(await self._spool.resume(welcome.positions, greeting.hub))
            await self._begin()
            await self._talk(link)
        finally:
            self.is_linked = False
            self._moved.set()
            await link.close()

    async def _begin(self) -> None:
        state, now = self._spool.state(), time.monotonic()
        waiting = self._spool.epochs(self._hub_id)
        self._deliveries = Deliveries()
        offered, others = (
            await self._spool.waiting_for(self._hub_id),
            len(self._spool.epochs()) - len(waiting),
        )
        self._progress.linked(offered, others, self._spool.held(), now)
        if waiting and state.oldest_us and self._clock.now_us() - state.oldest_us > BACKLOG_US:
            await self._spool.begin_epoch()
            self._progress.behind(state, now)
        self._ever_linked = self.is_linked = True

    async def _talk(self, link: Link) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(link))
                tasks.create_task(self._deliver(link))
                tasks.create_task(self._ask(link))
                tasks.create_task(self._follow_spool())
        except BaseExceptionGroup as group:
            lost, rest = group.split(LinkError)
            if lost is None or rest is not None:
                raise
            raise _leaves(lost)[0] from None

    async def _listen(self, link: Link) -> None:
        while (data := await link.receive()) is not None:
            try:
                message = wire.decode(data)
            except UnknownMessage:
                continue  # a later release's
            except WireError as problem:
                raise LinkError(str(problem), lasting=True) from None
            if isinstance(message, Assignment):
                await self._orders.assign(message, data)
            elif (handler := self._handlers.get(type(message))) is not None:
                await handler(message)
        raise LinkError(link.ended)

    async def _deliver(self, link: Link) -> None:
        while True:
            self._wake.clear()
            waiting = self._spool.epochs(self._hub_id)
            epoch = self._deliveries.next_epoch(self._spool.epoch, waiting, time.monotonic())
            if epoch is None:
                await self._until_woken()
                continue
            batch = self._deliveries.next_batch(epoch, self._clock.system_us())
            if batch is None:
                after = self._deliveries.fetch(epoch)
                found = await self._spool.unsent(epoch, after, FETCH_BYTES)
                self._deliveries.fetched(epoch, found, time.monotonic())
            elif not await link.send(wire.encode(batch)):
                raise LinkError(link.ended)

    async def _until_woken(self) -> None:
        try:
            async with asyncio.timeout(self._deliveries.next_due(time.monotonic())):
                await self._wake.wait()
        except TimeoutError:
            pass  # what was put off may go now

    async def _follow_spool(self) -> None:
        while True:
            await self._spool.appended.wait()
            self._spool.appended.clear()
            self._deliveries.appended(self._spool.epoch)
            self._wake.set()

    async def _ask(self, link: Link) -> None:
        """Ask the hub for the time when no acknowledgement has told it lately; it also hears that we live."""
        while True:
            await asyncio.sleep(max(self._stamped + ASK_SECONDS - time.monotonic(), ASK_SECONDS / 10))
            if time.monotonic() - self._stamped >= ASK_SECONDS:
                await link.send(wire.encode(Ask(self._clock.system_us())))
                await asyncio.sleep(ASK_SECONDS)

    # What the hub says

    async def _on_ack(self, ack: Ack) -> None:
        asked_us = self._deliveries.acknowledged(ack.epoch, ack.sequence)
        if asked_us is not None:
            self._measured(asked_us, ack.received_us, ack.sent_us)
        await self._spool.acknowledged(ack.epoch, ack.sequence)
        self._wake.set()
        self._moved.set()
        if self._progress.is_behind and self._spool.epochs(self._hub_id) in ([], [self._spool.epoch]):
            self._progress.caught_up(time.monotonic())

    async def _on_refusal(self, refusal: Refusal) -> None:
        if not refusal.epoch or refusal.fate == STOP:
            raise refused(refusal)
        if not self._deliveries.is_awaited(refusal.epoch, refusal.sequence):
            return  # it was on its way behind one that was refused
        now = time.monotonic()
        if refusal.fate == ASIDE:
            pause = self._deliveries.put_aside(refusal.epoch, now)
            await self._spool.put_aside(refusal.epoch, refusal.sequence)
        else:  # what a later release may call it, it is tried again
            pause = self._deliveries.put_off(refusal.epoch, refusal.sequence, now)
        self._progress.refused(refusal, pause)
        self._wake.set()

    async def _on_recheck(self, message: Recheck) -> None:
        self._orders.recheck(message.series)

    async def _on_alone(self, message: Alone) -> None:
        self._orders.alone(message)

    async def _on_time(self, message: Time) -> None:
        self._measured(message.asked_us, message.received_us, message.sent_us)

    async def _on_goodbye(self, message: Goodbye) -> None:
        reason = f": {message.reason}" if message.reason else ""
        raise LinkError(f"the hub leaves{reason}")

    def _measured(self, asked_us: int, received_us: int, sent_us: int) -> None:
        self._offset.measured(asked_us, received_us, sent_us, self._clock.system_us())
        self._stamped = time.monotonic()
        if (state := self.clock_state()) is not None:
            self._clock.against_hub(state)


def _leaves(group: BaseExceptionGroup[LinkError]) -> list[LinkError]:
    found: list[LinkError] = []
    for each in group.exceptions:
        found += _leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found
