"""The public application: the page and the API, rendered at most once a second however many ask."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from checks.core.clock import wall_us
from prober.accounts.live import Shown
from prober.accounts.months import Months
from prober.hub.serving import Served
from prober.store.base import StoreError
from prober.web.bodies import Kept
from prober.web.ping import add_ping
from prober.web.starting import wait_for_start

from . import badges
from .figures import DAYS
from .page import has_imports, page
from .render import missing_page, policy, status_page, uptime_html
from .sla import by_component, promises
from .statuspage import PATHS, Overview
from .uptime import uptime_page

log = logging.getLogger(__name__)
SECOND_US = 1_000_000
ANSWER_SECONDS = 20.0
MONTHS_SECONDS = 5.0  # that the first reader of months waits for them; the page says so if they are not there
IMPORTS_US = 60 * SECOND_US  # how old it may be what is known of imports
DAY_US = 86_400 * SECOND_US
BIRTHS_SECONDS = 2.0  # for a question to the store that only dates of creation hang on
MAX_BODY_BYTES = 1_024  # nothing here reads a body
API = "/api/v2/"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
BADGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox"}
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
        self._imported: frozenset[str] = frozenset()
        self._imported_us: int | None = None
        office = served.office
        self._months = Months(lambda: office.accounts, served.store, clock) if office is not None else None

    async def front(self, request: web.Request) -> web.StreamResponse:
        """Answer with the status page."""
        now_us = self._clock()

        async def render() -> bytes:
            promised = by_component(promises(self._shown))
            imported = await self._imports(now_us)
            shown = page(self._served.view, self._served.history, now_us, promised, imported)
            return await asyncio.to_thread(status_page, shown)

        kept = await self._cache.get("/", now_us // SECOND_US, render)
        return kept.answer(
            request, {"Content-Type": "text/html; charset=utf-8", **CACHING, **_page_headers()}
        )

    @property
    def _shown(self) -> Shown | None:
        return self._served.office.shown if self._served.office is not None else None

    async def uptime(self, request: web.Request) -> web.StreamResponse:
        """Answer with the months of every service and what became of promises."""
        now_us, months = self._clock(), self._months
        if months is not None:
            months.wake()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MONTHS_SECONDS):
                    await months.ready.wait()

        async def render() -> bytes:
            shown = uptime_page(self._served.view, self._shown, months, now_us)
            return await asyncio.to_thread(uptime_html, shown)

        kept = await self._cache.get("/uptime", now_us // SECOND_US, render)
        return kept.answer(
            request, {"Content-Type": "text/html; charset=utf-8", **CACHING, **_page_headers()}
        )

    async def badge(self, request: web.Request) -> web.StreamResponse:
        """Answer with a badge; 404 for what there is no badge of."""
        now_us, ending = self._clock(), request.match_info["ending"]
        found = self._badge(request, now_us, await self._imports(now_us))
        draw = badges.as_svg if ending == "svg" else badges.as_json

        async def render() -> bytes:
            return draw(found)

        name = f"{request.path}?{request.query.get('figure', '')}"
        kept = await self._cache.get(name, now_us // SECOND_US, render)
        kind = "image/svg+xml" if ending == "svg" else "application/json"
        return kept.answer(
            request, {"Content-Type": f"{kind}; charset=utf-8", **CACHING, **CORS, **BADGE_HEADERS}
        )

    def _badge(self, request: web.Request, now_us: int, imported: Collection[str]) -> badges.Badge:
        """Return what a badge says. Raises HTTPNotFound."""
        view, figure = self._served.view, badges.figure_asked(request.query)
        component = badges.component_of(view, request.match_info["name"])
        if component is None or figure is None:
            raise web.HTTPNotFound
        if figure == "status":
            return badges.status_badge(view, component, now_us)
        if figure == "uptime":
            is_imported = has_imports(component, imported)
            return badges.uptime_badge(self._served.history, component, now_us, is_imported)
        told = by_component(promises(self._shown)).get(component.key, ())
        if len(told) != 1:  # which one would not be clear
            raise web.HTTPNotFound
        return badges.contract_badge(component, told[0])

    async def keep_months(self, _app: web.Application) -> AsyncIterator[None]:
        """Work months out while the application is served."""
        if self._months is None:
            yield
            return
        task = asyncio.create_task(self._months.run(), name="months")
        task.add_done_callback(_log_failure)
        yield
        task.cancel()
        await asyncio.wait([task])

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

    async def _imports(self, now_us: int) -> frozenset[str]:
        """Return the probes with imported history in the days that are shown; what was known last if it takes long."""
        if self._imported_us is None or not 0 <= now_us - self._imported_us < IMPORTS_US:
            self._imported_us = now_us
            with contextlib.suppress(StoreError, TimeoutError):
                async with asyncio.timeout(BIRTHS_SECONDS):
                    pairs = await self._served.store.imported_pairs()
                self._imported = frozenset(pair[0] for pair in pairs if pair[3] >= now_us - DAYS * DAY_US)
        return self._imported

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
        if request.path.startswith(("/api/", "/badge/")):
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


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s are no longer worked out", task.get_name(), exc_info=error)


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
    app.cleanup_ctx.append(site.keep_months)
    app.router.add_get("/", site.front)
    app.router.add_get("/uptime", site.uptime)
    app.router.add_get("/badge/{name}.{ending:svg|json}", site.badge)
    app.router.add_route("OPTIONS", "/badge/{name}.{ending:svg|json}", site.options)
    for path in PATHS:
        app.router.add_get(path, site.api)
        app.router.add_route("OPTIONS", path, site.options)
    add_ping(app, served.desk)
    app.on_response_prepare.append(_headers)
    return app
