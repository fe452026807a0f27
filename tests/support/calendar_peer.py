"""A server of one calendar on loopback that does what a test says, and remembers what it was asked."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class CalendarPeer:
    """What it answers next, and the requests so far."""

    body: bytes = b""
    status: int = 200
    tag: str = ""
    location: str = ""
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the fields say; 304 where the tag is known already."""
        self.asked.append(dict(request.headers))
        headers = {"ETag": self.tag} if self.tag else {}
        if self.location:
            headers["Location"] = self.location
        if self.tag and request.headers.get("If-None-Match") == self.tag and self.status == 200:
            return web.Response(status=304, headers=headers)
        return web.Response(status=self.status, body=self.body, headers=headers, content_type="text/calendar")


@contextlib.asynccontextmanager
async def calendar_peer(body: bytes = b"") -> AsyncIterator[CalendarPeer]:
    """Serve until the end of the block."""
    peer = CalendarPeer(body)
    app = web.Application()
    app.router.add_get("/{path:.*}", peer.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    peer.url = f"http://127.0.0.1:{port}/private-0123456789/ops.ics?token=hush"
    try:
        yield peer
    finally:
        await runner.cleanup()
