"""Running one check of any kind once, and proving that it leaves nothing open. Servers live in the *_peer files."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.http_checks import PATIENCE_US, codes, reactor
from support.ports import LOOPBACK

from checks.core.check import Check, Place, run_once
from checks.core.link import Address
from checks.core.reactor import Reactor
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Result
from checks.core.stamps import ANCILLARY_BYTES, keep_stamping

BRIEF_US = 300_000  # for runs that are meant to hit their deadline
NO_NAMES = ResolverConfig(servers=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a run is made; lag of this process never voids it, since the peers share the process."""

    timeout_us: int = PATIENCE_US
    resolver: ResolverConfig = NO_NAMES
    source: str | None = None
    verbose: bool = False

    def place(self, engine: Reactor) -> Place:
        """Return the place of a run on this reactor."""
        return Place(
            reactor=engine,
            timeout_us=self.timeout_us,
            source_address=self.source,
            max_lag_ns=PATIENCE_US * 1000,
            verbose=self.verbose,
            resolver=self.resolver,
        )


USUAL = Setting()
BRIEF = Setting(timeout_us=BRIEF_US)


@contextmanager
def tidy_reactor() -> Iterator[Reactor]:
    """Open a reactor; at the end no socket may be registered. One left open beside it is a ResourceWarning."""
    gc.freeze()  # only what the run makes is looked through: a whole collection takes longer than most tests
    try:
        with reactor() as engine:
            yield engine
            assert engine.channels == {}
            gc.collect()
    finally:
        gc.unfreeze()


async def look(check: Check[Any], setting: Setting = USUAL) -> Result:  # Any: of any options
    """Run the check once; every socket that it opened must be closed again."""
    with tidy_reactor() as engine:
        return await run_once(check, setting.place(engine))


async def until(reached: Callable[[], bool]) -> None:
    """Let the loop turn until something that cannot tell of itself has happened."""
    while not reached():  # noqa: ASYNC110  # a peer's records have no event to wait for
        await asyncio.sleep(0)


async def cancel_when(check: Check[Any], reached: Callable[[], bool], setting: Setting = USUAL) -> None:
    """Run the check until `reached`, cancel it there, and see that its sockets are closed."""
    with tidy_reactor() as engine:
        run = asyncio.ensure_future(run_once(check, setting.place(engine)))
        await until(reached)
        assert not run.done()
        run.cancel()
        await asyncio.wait([run])


def name_servers(*addresses: str, **settings: Any) -> ResolverConfig:  # Any: fields of the value
    """Return a resolver configuration that asks these `host:port`."""
    pairs = (address.rpartition(":") for address in addresses)
    return ResolverConfig(servers=tuple(Address(host, int(port), 4) for host, _, port in pairs), **settings)


def _stamps_arrivals(server: socket.socket) -> bool:
    """Say whether the kernel stamps already: it begins some time after it was asked to."""
    server.sendto(b"", server.getsockname())
    until_ns = time.monotonic_ns() + 1_000_000
    while time.monotonic_ns() < until_ns:
        pass
    _, ((_, _, stamp),), _, _ = server.recvmsg(1, ANCILLARY_BYTES)
    seconds, nanoseconds = struct.unpack("@qq", stamp)
    return time.time_ns() - seconds * 1_000_000_000 - nanoseconds > 500_000


@contextmanager
def stalling_name_server(answer: Callable[[bytes], bytes], stall_us: int) -> Iterator[str]:
    """Answer a query at once, then keep the whole loop busy, so that the check looks late. Yields `host:port`."""
    loop = asyncio.get_running_loop()
    with keep_stamping() as server:
        server.bind((LOOPBACK, 0))
        while not _stamps_arrivals(server):
            pass

        def serve() -> None:
            query, client = server.recvfrom(2**16)
            server.sendto(answer(query), client)
            # The kernel may deliver later than it takes. What is sent after it comes after it.
            server.sendto(b"", server.getsockname())
            server.recvfrom(1)
            until_ns = time.monotonic_ns() + stall_us * 1000
            while time.monotonic_ns() < until_ns:
                pass

        loop.add_reader(server, serve)
        try:
            yield f"{LOOPBACK}:{server.getsockname()[1]}"
        finally:
            loop.remove_reader(server)


__all__ = [
    "BRIEF",
    "BRIEF_US",
    "USUAL",
    "Setting",
    "cancel_when",
    "codes",
    "look",
    "name_servers",
    "stalling_name_server",
    "tidy_reactor",
    "until",
]
