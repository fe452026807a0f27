"""Runs check coroutines on raw sockets inside an asyncio loop, with precise timers and little CPU per check.

One private epoll set, itself watched by the loop, carries every socket of every check: one registration a
socket (edge triggered, both directions) and no future, handle or task object per wait. Timers live in one
heap behind one timerfd, which is exact to microseconds where loops round to milliseconds. A coroutine may
await a `Channel` (socket events), a `Pause`, or an asyncio awaitable through `outside`.

What does not live here: what a check does, what a failure means, when a check is due.
"""

from __future__ import annotations

import asyncio
import heapq
import select
import socket
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from itertools import count
from typing import Any, Generic, TypeVar

from .clock import monotonic_ns
from .failures import DeadlinePassed
from .stamps import keep_stamping
from .timerfd import TimerFd

T = TypeVar("T")
HEARTBEAT_NS = 50_000_000  # how often the reactor looks whether it was kept waiting
STALL_NS = 5_000_000  # lateness of a heartbeat below this is ordinary scheduling noise
READABLE = select.EPOLLIN | select.EPOLLET  # for datagrams: they can always be sent, and would wake for that
ARRIVALS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
"""For streams that wait for data: one that can be sent to, as most can, would wake for that alone at once."""
_EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class Timer:
    """A due instant on the monotonic clock; cancelled by forgetting its callback."""

    __slots__ = ("callback", "due_ns")

    def __init__(self, due_ns: int, callback: Callable[[], None]) -> None:
        self.due_ns = due_ns
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Forget the callback; the heap drops the entry when it surfaces."""
        self.callback = None


class Channel:
    """One registered socket. Awaiting it gives the events since the last look; 0 means it was woken without."""

    __slots__ = ("events", "fd", "interest", "reactor", "run", "sock")

    def __init__(self, reactor: Reactor, sock: socket.socket, interest: int = _EVENTS) -> None:
        self.reactor = reactor
        self.sock = sock
        self.fd = sock.fileno()
        self.events = 0
        self.run: Run[Any] | None = None
        self.interest = interest
        reactor.register(self)

    def widen(self) -> None:
        """From here on look for all events, room to send included."""
        if self.interest != _EVENTS:
            self.interest = _EVENTS
            self.reactor.modify(self)

    def __await__(self) -> Generator[Channel, None, int]:
        if not self.events:
            yield self
        events, self.events = self.events, 0
        return events

    async def until(self, due_ns: int) -> int:
        """Await events no longer than `due_ns` (monotonic); 0 says that the instant came first."""
        timer = self.reactor.call_at(due_ns, self.wake)
        try:
            return await self
        finally:
            timer.cancel()

    def wake(self) -> None:
        """Resume whoever waits on this channel."""
        run, self.run = self.run, None
        if run is not None:
            run.step()

    def close(self) -> None:
        """Leave the reactor and close the socket; safe to call twice."""
        self.reactor.channels.pop(self.fd, None)
        self.fd = -1
        self.sock.close()


class Pause:
    """Await until a monotonic instant."""

    __slots__ = ("due_ns",)

    def __init__(self, due_ns: int) -> None:
        self.due_ns = due_ns

    def __await__(self) -> Generator[Pause, None, None]:
        yield self


class _Outside:
    """An asyncio future awaited from within a reactor coroutine."""

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future

    def __await__(self) -> Generator[_Outside, None, None]:
        yield self


async def outside(awaitable: Awaitable[T]) -> T:
    """Await something of asyncio's (a library's coroutine) from within a check."""
    future = asyncio.ensure_future(awaitable)
    try:
        if not future.done():
            await _Outside(future)
        return future.result()
    finally:
        future.cancel()


class Run(Generic[T]):
    """One coroutine on the reactor: stepped by events, ended by its return, its deadline or `cancel`."""

    __slots__ = ("_coroutine", "_deadline", "_done", "_parked", "_reactor", "finished")

    def __init__(
        self,
        reactor: Reactor,
        coroutine: Coroutine[Any, None, T],
        done: Callable[[T | None, BaseException | None], None],
        deadline_ns: int | None = None,
    ) -> None:
        self._reactor = reactor
        self._coroutine = coroutine
        self._done = done
        self._parked: Channel | Timer | None = None
        self.finished = False
        self._deadline = reactor.call_at(deadline_ns, self._expire) if deadline_ns is not None else None

    def step(self, error: BaseException | None = None) -> None:
        """Resume the coroutine until it waits again or ends."""
        self._parked = None
        try:
            awaited = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
        except StopIteration as stop:
            self._finish(stop.value, None)
        except BaseException as failure:
            self._finish(None, failure)
            if isinstance(failure, (KeyboardInterrupt, SystemExit)):
                raise
        else:
            self._park(awaited)

    def cancel(self) -> None:
        """Close the coroutine (its `finally` blocks run) without calling back."""
        if not self.finished:
            self._finished()
            self._coroutine.close()

    def _park(self, awaited: object) -> None:
        if isinstance(awaited, Channel):
            awaited.run = self
            self._parked = awaited
        elif isinstance(awaited, Pause):
            self._parked = self._reactor.call_at(awaited.due_ns, self.step)
        elif isinstance(awaited, _Outside):
            awaited.future.add_done_callback(partial(self._outside_done))
        else:
            self.step(TypeError(f"a check awaited {awaited!r}; wrap asyncio's awaitables in outside()"))

    def _outside_done(self, _future: asyncio.Future[Any]) -> None:
        if not self.finished and self._parked is None:
            self.step()

    def _expire(self) -> None:
        self._deadline = None
        self._unpark()
        self.step(DeadlinePassed())

    def _unpark(self) -> None:
        parked, self._parked = self._parked, None
        if isinstance(parked, Channel):
            parked.run = None
        elif isinstance(parked, Timer):
            parked.cancel()

    def _finish(self, value: T | None, error: BaseException | None) -> None:
        self._finished()
        self._done(value, error)

    def _finished(self) -> None:
        self.finished = True
        self._unpark()
        if self._deadline is not None:
            self._deadline.cancel()


class Reactor:
    """The epoll set, the timer heap and the watch over this process's own lateness. Belongs to one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.channels: dict[int, Channel] = {}
        self.stalled_ns = 0  # all lateness seen by the heartbeat so far
        self.worst_lag_ns = 0  # since someone last set it to 0
        self._loop = loop
        self._epoll = select.epoll()
        self._timerfd = TimerFd()
        self._stamping = keep_stamping()
        self._heap: list[tuple[int, int, Timer]] = []  # due, order of making (so timers are never compared)
        self._order = count()
        self._armed_ns = 0
        self._firing = False
        # Edge triggered: each expiry is told once, and nothing has to be read off the descriptor.
        self._epoll.register(self._timerfd.fd, select.EPOLLIN | select.EPOLLET)
        loop.add_reader(self._epoll.fileno(), self._turn)
        self._beat_due_ns = monotonic_ns() + HEARTBEAT_NS
        self._beat = self.call_at(self._beat_due_ns, self._heartbeat)

    def start(
        self,
        coroutine: Coroutine[Any, None, T],
        done: Callable[[T | None, BaseException | None], None],
        deadline_ns: int | None = None,
    ) -> Run[T]:
        """Run a coroutine to its first wait at once; `done(value, error)` is called when it ends."""
        run = Run(self, coroutine, done, deadline_ns)
        run.step()
        return run

    async def run(self, coroutine: Coroutine[Any, None, T], deadline_ns: int | None = None) -> T:
        """Run a coroutine from asyncio's side and return its value; cancellation closes it."""
        future: asyncio.Future[T] = self._loop.create_future()
        run = self.start(coroutine, partial(_settle, future), deadline_ns)
        try:
            return await future
        finally:
            run.cancel()

    def call_at(self, due_ns: int, callback: Callable[[], None]) -> Timer:
        """Call back at a monotonic instant, late by microseconds only; earlier timers come first."""
        timer = Timer(due_ns, callback)
        heapq.heappush(self._heap, (due_ns, next(self._order), timer))
        # While timers fire nothing is armed: what is first then, is armed once at the end.
        if not (self._firing or 0 < self._armed_ns <= due_ns):
            self._arm(due_ns)
        return timer

    def register(self, channel: Channel) -> None:
        """Watch a socket for the events of its interest; closing the socket ends it."""
        self._epoll.register(channel.fd, channel.interest)
        self.channels[channel.fd] = channel

    def modify(self, channel: Channel) -> None:
        """Watch for another interest; what is the case already is told anew."""
        self._epoll.modify(channel.fd, channel.interest)

    def close(self) -> None:
        """Stop watching; open channels are closed."""
        self._beat.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        for channel in list(self.channels.values()):
            channel.close()
        self._timerfd.close()
        self._stamping.close()
        self._epoll.close()

    def _turn(self) -> None:
        # Sockets first: an answer that is already here is not a timeout.
        timers_due = False
        for fd, events in self._epoll.poll(0):
            channel = self.channels.get(fd)
            if channel is not None:
                channel.events |= events
                channel.wake()
            elif fd == self._timerfd.fd:
                timers_due = True
        if timers_due:
            self._armed_ns = 0
            self._fire()

    def _fire(self) -> None:
        heap = self._heap
        now_ns = monotonic_ns()
        self._firing = True
        try:
            while heap and heap[0][0] <= now_ns:
                callback = heapq.heappop(heap)[2].callback
                if callback is not None:
                    callback()
        finally:
            self._firing = False
            while heap and heap[0][2].callback is None:
                heapq.heappop(heap)
            if heap and not 0 < self._armed_ns <= heap[0][0]:
                self._arm(heap[0][0])

    def _arm(self, due_ns: int) -> None:
        self._armed_ns = due_ns
        self._timerfd.arm(due_ns)

    def _heartbeat(self) -> None:
        now_ns = monotonic_ns()
        lag_ns = now_ns - self._beat_due_ns
        self.worst_lag_ns = max(self.worst_lag_ns, lag_ns)
        if lag_ns > STALL_NS:
            self.stalled_ns += lag_ns
        self._beat_due_ns = now_ns + HEARTBEAT_NS
        self._beat = self.call_at(self._beat_due_ns, self._heartbeat)


def _settle(future: asyncio.Future[T], value: T | None, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)  # type: ignore[arg-type]  # a run without an error has its value
    else:
        future.set_exception(error)
