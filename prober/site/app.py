"""The public application: the page and the API, rendered at most once a second however many ask."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from checks.core.clock import wall_us
from prober.hub.serving import Served
from prober.store.base import StoreError
from prober.web.bodies import Kept
from prober.web.ping import add_ping
from prober.web.starting import wait_for_start

from .page import page
from .render import missing_page, policy, status_page
from .statuspage import PATHS, Overview

log = logging.getLogger(__name__)
SECOND_US = 1_000_000
ANSWER_SECONDS = 20.0
BIRTHS_SECONDS = 2.0  # for a question to the store that only dates of creation hang on
MAX_BODY_BYTES = 1_024  # nothing here reads a body
API = "/api/v2/"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
CACHING = {"Cache-Control": "public, max-age=5"}


@dataclass(slots=True)
class _Cache:
    """Bodies of the present second; one render at a time, the others wait for it."""

    second: int = -1
    bodies: dict[str, Kept] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, name: str, second: int, render: Callable[[], Awaitable[bytes]]) -> Kept:
        if second == self.second and name in self.bodies:
            return self.bodies[name]
        async with self.lock:
            if second != self.second:
                self.second, self.bodies = second, {}
            if name not in self.bodies:
                self.bodies[name] = await asyncio.to_thread(Kept.of, await render())
            return self.bodies[name]


class Site:
    """The handlers. What is read from the view is read on the loop; rendering and packing are not done on it."""

    def __init__(self, served: Served, clock: Callable[[], int]) -> None:
        self._served = served
        self._clock = clock
        self._cache = _Cache()
        self._births_us: dict[str, int] = {}
        self._births_digest: str | None = None

    async def front(self, request: web.Request) -> web.StreamResponse:
        """Answer with the status page."""
        now_us = self._clock()

        async def render() -> bytes:
            return await asyncio.to_thread(status_page, page(self._served.view, self._served.history, now_us))

        kept = await self._cache.get("/", now_us // SECOND_US, render)
        return kept.answer(
            request, {"Content-Type": "text/html; charset=utf-8", **CACHING, **_page_headers()}
        )

    async def api(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file of the Statuspage API."""
        now_us = self._clock()

        async def render() -> bytes:
            return Overview(self._served.view, await self._births(), now_us).body(request.path)

        kept = await self._cache.get(request.path, now_us // SECOND_US, render)
        return kept.answer(request, {"Content-Type": "application/json; charset=utf-8", **CACHING, **CORS})

    async def options(self, _request: web.Request) -> web.StreamResponse:
        """Answer a browser that asks whether it may read the API from another site."""
        return web.Response(status=204, headers=CORS)

    async def _births(self) -> dict[str, int]:
        """Return the first instant of each probe: asked of the store once per configuration."""
        digest = self._served.view.config.digest
        if digest != self._births_digest:
            try:
                async with asyncio.timeout(BIRTHS_SECONDS):
                    rows = await self._served.store.all_series()
            except (StoreError, TimeoutError):
                return self._births_us
            self._births_us = {}
            for row in rows:
                self._births_us[row.probe] = min(
                    row.created_us, self._births_us.get(row.probe, row.created_us)
                )
            self._births_digest = digest
        return self._births_us

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Say errors in the fitting form, without a word about our inside."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await handler(request)
        except web.HTTPException as error:
            return self._refusal(request, error.status, error.headers.get("Allow"))
        except TimeoutError:
            return self._refusal(request, 503, None)
        except Exception:
            log.exception("a request failed", extra={"method": request.method, "path": request.path})
            return self._refusal(request, 500, None)

    def _refusal(self, request: web.Request, status: int, allow: str | None) -> web.Response:
        headers = {"Allow": allow} if allow else {}
        if request.path.startswith("/api/"):
            return web.json_response(
                {"error": _REFUSALS.get(status, "refused")}, status=status, headers={**headers, **CORS}
            )
        if status == 404:
            body = missing_page(self._served.view.config.page.title)
            return web.Response(
                body=body, status=404, content_type="text/html", charset="utf-8", headers=_page_headers()
            )
        return web.Response(text=f"{_REFUSALS.get(status, 'refused')}\n", status=status, headers=headers)


_REFUSALS = {
    404: "not found",
    405: "method not allowed",
    500: "an error of our own",
    503: "not now, try again",
}


def _page_headers() -> dict[str, str]:
    return {"Content-Security-Policy": policy(), "X-Frame-Options": "DENY"}


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "prober"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"


def public_app(served: Served, clock: Callable[[], int] = wall_us) -> web.Application:
    """Return the application of the public listener. `clock` gives micro-seconds since the epoch."""
    site = Site(served, clock)
    app = web.Application(middlewares=[site.guard, wait_for_start(served)], client_max_size=MAX_BODY_BYTES)
    app.router.add_get("/", site.front)
    for path in PATHS:
        app.router.add_get(path, site.api)
        app.router.add_route("OPTIONS", path, site.options)
    add_ping(app, served.desk)
    app.on_response_prepare.append(_headers)
    return app
