"""The internal application: the table of routes on a router, and what holds for every answer."""

from __future__ import annotations

from aiohttp import web

from checks.core.clock import wall_us
from prober.hub.serving import Served

from .errors import say_errors
from .ping import add_ping
from .routes import Clock, handler_of
from .starting import wait_for_start
from .table import ROUTES
from .turns import TURNS, Turns

MAX_BODY_BYTES = 16_384  # nothing here reads a body


def internal_app(served: Served, clock: Clock = wall_us) -> web.Application:
    """Return the application of the internal listener. `clock` gives micro-seconds since the epoch."""
    app = web.Application(middlewares=[say_errors, wait_for_start(served)], client_max_size=MAX_BODY_BYTES)
    app[TURNS] = Turns()
    for route in ROUTES:
        handler = handler_of(route, ROUTES, served, clock)
        if route.method == "GET":
            app.router.add_get(route.path, handler)
        else:
            app.router.add_route(route.method, route.path, handler)
    add_ping(app, served.desk)
    app.on_response_prepare.append(_headers)
    return app


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "prober"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
