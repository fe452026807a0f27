"""A runner whose reports go through a sight into a collector, and canaries that can be made to fall silent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from support.agents import SEED, WAIT_SECONDS, Wall

from checks.core.check import load_kinds
from checks.core.reactor import Reactor
from prober import wire
from prober.agent.clock import AgentClock
from prober.agent.collector import Collector
from prober.agent.runner import Runner
from prober.agent.sight import Sight
from prober.wire import Assignment, Canaries, Gap, Record, Resolver, Series

FILLERS = 4  # connections that fill a backlog of none


class Listening:
    """A port of loopback that connects whoever comes, and tells who came."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.target = f"tcp://127.0.0.1:{listener.getsockname()[1]}"

    def peers(self) -> list[str]:
        """Return the addresses of those that have come since the last call."""
        peers: list[str] = []
        with suppress(BlockingIOError):
            while True:
                sock, address = self._listener.accept()
                sock.close()
                peers.append(address[0])
        return peers


@contextmanager
def listening() -> Iterator[Listening]:
    """Hold a port that connects: nobody serves it, so nothing has to be ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        listener.setblocking(False)
        yield Listening(listener)


class Hole:
    """A port of loopback that is silent, or connects, as told."""

    def __init__(self, listener: socket.socket, fillers: ExitStack) -> None:
        self._listener = listener
        self._fillers = fillers
        self.target = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        self.shut()

    def shut(self) -> None:
        """Fall silent: the backlog is full, and nobody takes anything from it."""
        self._listener.listen(0)
        for _ in range(FILLERS):
            filler = self._fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(self._listener.getsockname())

    def open(self) -> None:
        """Connect whoever comes."""
        self._listener.listen(1000)


@contextmanager
def hole() -> Iterator[Hole]:
    """Hold a port that is silent until it is opened."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        yield Hole(listener, stack)


@dataclass(slots=True)
class Scene:
    """A sight under test: what came out of it, under which digest."""

    reactor: Reactor
    wall: Wall
    clock: AgentClock
    sight: Sight
    runner: Runner
    collector: Collector
    reported: int = 0  # records that the runner told
    out: list[tuple[str, Record | Gap]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def records(self) -> list[Record]:
        return [item for _, item in self.out if isinstance(item, Record)]

    def report(self, item: Record | Gap) -> None:
        self.sight.report(item)
        self.reported += isinstance(item, Record)
        self.news.set()

    def add(self, item: Record | Gap) -> None:
        self.out.append((self.collector.digest, item))
        self.collector.add(item)
        self.news.set()

    def assign(
        self, *series: Series, canaries: tuple[str, ...] = (), digest: str = "d", limit_us: int = 0,
        resolvers: tuple[Resolver, ...] = (),
    ) -> None:  # fmt: skip
        """Run these, all in the region `here`."""
        assignment = Assignment(
            version=wire.VERSION, digest=digest, seed=SEED, series=series, max_lag_us=500_000, max_in_flight=500,
            canaries=(Canaries("here", canaries),), max_clock_offset_us=limit_us, resolvers=resolvers,
        )  # fmt: skip
        self.sight.assign(assignment)
        self.runner.assign(assignment)

    async def until(self, enough: Callable[[Scene], bool]) -> None:
        """Wait until enough came out; raises TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not enough(self):
                self.news.clear()
                await self.news.wait()

    async def run_once(self, *numbers: int) -> None:
        """Run these once at once, and wait until the runner has told how they ended."""
        count = self.reported + len(numbers)
        self.runner.recheck(numbers)
        await self.until(lambda scene: scene.reported >= count)

    async def until_true(self, holds: Callable[[], bool]) -> None:
        """Wait for what nothing tells of."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not holds():  # noqa: ASYNC110  # nobody sets an event for it
                await asyncio.sleep(0.005)


@asynccontextmanager
async def seeing() -> AsyncIterator[Scene]:
    """Run a runner behind a sight on this loop."""
    load_kinds()
    reactor, wall, collector = Reactor(asyncio.get_running_loop()), Wall(), Collector()
    clock = AgentClock(wall.read)
    sight = Sight(
        reactor,
        clock,
        lambda item: scene.add(item),
        collector.under,
        lambda number: scene.runner.target_of(number),
    )
    scene = Scene(
        reactor, wall, clock, sight, Runner(reactor, lambda item: scene.report(item), clock), collector
    )
    try:
        yield scene
    finally:
        scene.runner.stop()
        sight.close()
        reactor.close()
