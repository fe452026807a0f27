"""Running the http check in tests: one look, its result. Names ending in .test are on loopback.

The servers it looks at live in http_peer.py and http_proxy.py.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from support.ports import LOOPBACK

from checks.core.check import Place, run_once
from checks.core.reactor import Reactor
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Result
from checks.http import HttpCheck, HttpOptions

# Long enough for a loaded machine; tests that want a timeout give their own.
PATIENCE_US = 20_000_000
NAMES = ("peer.test", "other.test", "elsewhere.test")
RESOLVER = ResolverConfig(servers=(), hosts=dict.fromkeys(NAMES, (LOOPBACK,)))


@contextlib.contextmanager
def reactor() -> Iterator[Reactor]:
    """Open a reactor on the running loop."""
    made = Reactor(asyncio.get_running_loop())
    try:
        yield made
    finally:
        made.close()


def check(url: str, **options: Any) -> HttpCheck:  # Any: options as a configuration file has them
    """Make the check of a URL from options as a file has them."""
    return HttpCheck(HttpOptions.model_validate({"url": url, **options}))


async def look(url: str, *, timeout_us: int = PATIENCE_US, **options: Any) -> Result:
    """Look at a URL once. Nothing may be left open afterwards."""
    with reactor() as engine:
        place = Place(reactor=engine, timeout_us=timeout_us, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000)
        result = await run_once(check(url, **options), place)
        assert engine.channels == {}
        return result


def codes(result: Result) -> list[str]:
    """Return the codes of all failures, in order."""
    return [failure.code for failure in result.failures]
