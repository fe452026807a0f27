"""Running one check of any kind once, and proving that it leaves nothing open. Servers live in the *_peer files."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from checks.core.check import Check, Place, run_once
from checks.core.link import Address
from checks.core.reactor import Reactor
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Result
from support.http_checks import PATIENCE_US, codes, reactor

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
    """Open a reactor; at the end every socket that was registered, or connected beside it, must be closed."""
    with reactor() as engine:
        known = set(_clients())
        yield engine
        assert engine.channels == {}
        assert set(_clients()) <= known


def _clients() -> list[socket.socket]:
    # asyncio's own transports are of the peers; a check has plain sockets only.
    gc.collect()
    return [each for each in gc.get_objects() if type(each) is socket.socket and each.fileno() >= 0]


async def look(check: Check[Any], setting: Setting = USUAL) -> Result:  # Any: of any options
    """Run the check once; every socket that it opened must be closed again."""
    with tidy_reactor() as engine:
        return await run_once(check, setting.place(engine))


async def cancel_when(check: Check[Any], reached: Callable[[], bool], setting: Setting = USUAL) -> None:
    """Run the check until `reached`, cancel it there, and see that its sockets are closed."""
    with tidy_reactor() as engine:
        run = asyncio.ensure_future(run_once(check, setting.place(engine)))
        while not reached():
            await asyncio.sleep(0)
        assert not run.done()
        run.cancel()
        await asyncio.wait([run])


def name_servers(*addresses: str, **settings: Any) -> ResolverConfig:  # Any: fields of the value
    """Return a resolver configuration that asks these `host:port`."""
    pairs = (address.rpartition(":") for address in addresses)
    return ResolverConfig(servers=tuple(Address(host, int(port), 4) for host, _, port in pairs), **settings)


__all__ = ["BRIEF", "BRIEF_US", "Setting", "USUAL", "cancel_when", "codes", "look", "name_servers", "tidy_reactor"]
