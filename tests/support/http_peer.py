"""A raw HTTP/1.1 server for tests: every byte it sends is chosen by the answer behind the path.

Answers live in http_answers.py, the forward proxy in http_proxy.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from support.ports import LOOPBACK, serving

HEAD_LIMIT_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in."""

    head: bytes
    body: bytes
    peer: tuple[str, int]

    @property
    def method(self) -> str:
        """Method, as sent."""
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        """Target, as sent: a path, or an absolute URL to a proxy."""
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def path(self) -> str:
        """Target without its query."""
        return self.target.split("?", 1)[0]

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Headers in order, names in lower case."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        return [(name.lower(), value.strip()) for name, value in pairs]

    def header(self, name: str) -> str | None:
        """First value of a header, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)


@dataclass(slots=True)
class Exchange:
    """What an answer works with: the request and the raw connection. Set `close` to end the connection."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    close: bool = False

    async def send(self, data: bytes) -> None:
        """Write bytes and wait until the peer takes them; raises OSError once the peer is gone."""
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Say nothing more until the peer closes (or the server ends)."""
        self.close = True
        while await self.reader.read(2**16):
            pass


Answer = Callable[[Exchange], Awaitable[None]]


@dataclass(slots=True)
class HttpPeer:
    """A running server and what it has seen."""

    routes: dict[str, Answer]
    secure: bool = False
    host: str = LOOPBACK
    port: int = 0
    connections: int = 0
    requests: list[Request] = field(default_factory=list)

    def url(self, path: str = "/", host: str | None = None) -> str:
        """URL of a path; `host` names the server differently (localhost, a name for SNI)."""
        return f"{'https' if self.secure else 'http'}://{host or self.host}:{self.port}{path}"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, request after request, until either side closes."""
        self.connections += 1
        while (request := await read_request(reader, writer)) is not None:
            self.requests.append(request)
            exchange = Exchange(request, reader, writer)
            await self.routes.get(request.path, _not_found)(exchange)
            if exchange.close or (request.header("connection") or "").lower() == "close":
                return


@contextlib.asynccontextmanager
async def http_peer(
    routes: Mapping[str, Answer],
    *,
    host: str = LOOPBACK,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[HttpPeer]:
    """Serve `routes` (path to answer; other paths give 404), over TLS when a server context is given.

    `peer.routes` may be changed while running.
    """
    peer = HttpPeer(dict(routes), secure=tls is not None)
    async with serving(peer.handle, host=host, port=port, tls=tls, limit_bytes=HEAD_LIMIT_BYTES) as address:
        peer.host, peer.port = address
        yield peer


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Read one whole request; None when the peer has closed between requests."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    request = Request(head=head, body=b"", peer=writer.get_extra_info("peername")[:2])
    return dataclasses.replace(request, body=await _read_body(reader, request))


async def _read_body(reader: asyncio.StreamReader, request: Request) -> bytes:
    if length := request.header("content-length"):
        return await reader.readexactly(int(length))
    if (request.header("transfer-encoding") or "").lower() != "chunked":
        return b""
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


async def _not_found(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found")
