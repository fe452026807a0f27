"""What the listeners answer while the hub still reads what is on record: they wait a little, then say "not yet".

Addresses are taken before the store is read, so that a daemon that cannot have them says so at once. Until all is
known a probe would look missing, and a job that calls would be told that its token does not exist.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from prober.hub.serving import Served

START_SECONDS = 10.0  # how long a request waits for the start
ALIVE = "/healthz"  # says only that the process lives: true from the beginning


def wait_for_start(served: Served) -> Middleware:
    """Return what holds requests back until the daemon has started, and refuses them (503) where that takes long."""

    @web.middleware
    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = served.started
        if started is not None and not started.is_set() and request.path != ALIVE:
            try:
                async with asyncio.timeout(START_SECONDS):
                    await started.wait()
            except TimeoutError:
                raise web.HTTPServiceUnavailable(reason="Still starting") from None
        return await handler(request)

    return hold
