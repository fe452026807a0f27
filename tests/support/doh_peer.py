"""DNS over HTTPS for tests: the table of a DnsPeer behind a real web server, and answers that are none."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from support.certs import certificates
from support.dns_peer import DnsPeer, Zone
from support.ports import LOOPBACK

PATH = "/dns-query"
MEDIA_TYPE = "application/dns-message"


@dataclass(slots=True)
class DohPeer:
    """A running server. `status`, `media_type` and `body` replace parts of its answers."""

    dns: DnsPeer
    port: int = 0
    status: int = 200
    media_type: str = MEDIA_TYPE
    body: bytes | None = None
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    queries: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The URL of the server, by a name that its certificate has."""
        return f"https://localhost:{self.port}{PATH}"

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        headers = request.headers
        self.requests.append((request.method, headers.get("Content-Type", ""), headers.get("Accept", "")))
        self.queries.append(wire := await request.read())
        body = self.dns.answer(wire, "https", (LOOPBACK, 0)) if self.body is None else self.body
        answer = web.Response(status=self.status, body=body)
        answer.headers["Content-Type"] = self.media_type
        return answer


@contextlib.asynccontextmanager
async def doh_peer(zone: Zone) -> AsyncIterator[DohPeer]:
    """Serve a zone over HTTPS."""
    peer = DohPeer(DnsPeer(dict(zone)))
    app = web.Application()
    app.router.add_route("*", PATH, peer.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, 0, ssl_context=certificates().valid.server_context())
        await site.start()
        peer.port = runner.addresses[0][1]
        yield peer
    finally:
        await runner.cleanup()
