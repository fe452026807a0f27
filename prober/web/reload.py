"""`POST /-/reload`: reads the configuration anew. A browser that was lured to another site cannot ask for it."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from prober.hub.view import View

from .errors import ApiError
from .present import reload_shape
from .routes import Answer, Call
from .shapes import ReloadShape

RELOAD_SECONDS = 25.0


async def reload(call: Call) -> ReloadShape | Answer:
    """Answer how it went: 422 when the file was not accepted and nothing has changed."""
    refuse_strangers(call.request, call.served.view)
    try:
        async with asyncio.timeout(RELOAD_SECONDS):
            await call.served.reload()
    except TimeoutError:
        raise ApiError(503, f"not reloaded within {RELOAD_SECONDS:g} s", "the log says more") from None
    shape = reload_shape(call.served)
    return shape if shape.ok else Answer(422, shape)


def refuse_strangers(request: web.Request, view: View) -> None:
    """Raise ApiError 403 for a page of another origin, or of a name that was rebound to this address.

    Only browsers send these headers, and they always do; scripts and other programs pass.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise ApiError(403, "a page of another site asked for this", "use the daemon's own address")
    origin = request.headers.get("Origin")
    if origin is None:
        return
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or parts.netloc != request.headers.get("Host"):
        raise ApiError(403, "a page of another origin asked for this", "use the daemon's own address")
    if not _is_own(parts.hostname or "", view):
        raise ApiError(403, "the daemon is not known by that name", "use its IP address, or localhost")


def _is_own(host: str, view: View) -> bool:
    if host in ("localhost", view.config.listen.internal.host):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
