"""A small forward proxy for tests: absolute-form requests and CONNECT, with basic auth if wanted."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from support.http_peer import HEAD_LIMIT_BYTES, Request, read_request
from support.ports import LOOPBACK, serving

_DENIED = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
)
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(slots=True)
class HttpProxy:
    """A running proxy; `requests` are those it was sent, CONNECT included, allowed or not.

    `routes` sends an authority ("shop.test:80") to another address, so that names need not resolve.
    """

    credentials: str | None = None
    routes: dict[str, tuple[str, int]] = field(default_factory=dict)
    host: str = LOOPBACK
    port: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """URL of the proxy, without credentials."""
        return f"http://{self.host}:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: one request is forwarded, or one tunnel opened."""
        request = await read_request(reader, writer)
        if request is None:
            return
        self.requests.append(request)
        if not self._allowed(request):
            writer.write(_DENIED)
            await writer.drain()
            return
        try:
            upstream = await asyncio.open_connection(*self._destination(request))
        except OSError:
            writer.write(_BAD_GATEWAY)
            await writer.drain()
            return
        await _forward(request, (reader, writer), upstream)

    def _allowed(self, request: Request) -> bool:
        if self.credentials is None:
            return True
        wanted = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        return request.header("proxy-authorization") == wanted

    def _destination(self, request: Request) -> tuple[str, int]:
        parts = urlsplit(request.target if "://" in request.target else f"//{request.target}")
        host, port = parts.hostname or "", parts.port or 80
        return self.routes.get(f"{host}:{port}", (host, port))


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def http_proxy(
    *, credentials: str | None = None, routes: dict[str, tuple[str, int]] | None = None
) -> AsyncIterator[HttpProxy]:
    """Run a proxy on loopback; `credentials` ("user:password") makes it demand basic auth."""
    proxy = HttpProxy(credentials=credentials, routes=dict(routes or {}))
    async with serving(proxy.handle, limit_bytes=HEAD_LIMIT_BYTES) as address:
        proxy.host, proxy.port = address
        yield proxy


async def _forward(request: Request, client: Streams, upstream: Streams) -> None:
    try:
        if request.method == "CONNECT":
            client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            upstream[1].write(_origin_form(request) + request.body)
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(client[0], upstream[1]))
            group.create_task(_pump(upstream[0], client[1]))
    finally:
        upstream[1].close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
    writer.close()


def _origin_form(request: Request) -> bytes:
    parts = urlsplit(request.target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return request.head.replace(request.target.encode("latin-1"), path.encode("latin-1"), 1)
