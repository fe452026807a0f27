"""WebSocket servers for tests: a real one (aiohttp's), and raw ones that break the rules one at a time."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from support.ports import LOOPBACK
from support.tcp_peer import Behaviour, Conversation

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG, FINAL = 0x1, 0x2, 0x8, 0x9, 0xA, 0x80


@dataclass(slots=True)
class WebSocketPeer:
    """A running server and what it has seen: the handshakes' headers, and how each connection was closed."""

    port: int = 0
    secure: bool = False
    handshakes: list[dict[str, str]] = field(default_factory=list)
    close_codes: list[int | None] = field(default_factory=list)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"{'wss' if self.secure else 'ws'}://{self.address}/"


Chat = Callable[[web.WebSocketResponse], Awaitable[None]]


async def echo(socket: web.WebSocketResponse) -> None:
    """Send back every message until the other side closes."""
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)


def announce(*messages: str | bytes, then: Chat = echo) -> Chat:
    """Send these messages at once, then go on as `then` says."""

    async def chat(socket: web.WebSocketResponse) -> None:
        for message in messages:
            if isinstance(message, str):
                await socket.send_str(message)
            else:
                await socket.send_bytes(message)
        await then(socket)

    return chat


@contextlib.asynccontextmanager
async def websocket_peer(
    chat: Chat = echo,
    *,
    protocols: tuple[str, ...] = (),
    authorization: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[WebSocketPeer]:
    """Run `chat` for every WebSocket that is opened; with `authorization`, refuse (401) who does not send it."""
    peer = WebSocketPeer(secure=tls is not None)

    async def handle(request: web.Request) -> web.StreamResponse:
        peer.handshakes.append(dict(request.headers))
        if authorization is not None and request.headers.get("Authorization") != authorization:
            return web.Response(status=401, text="who are you")
        socket = web.WebSocketResponse(protocols=protocols)
        await socket.prepare(request)
        try:
            await chat(socket)
        finally:
            peer.close_codes.append(socket.close_code)
        return socket

    app = web.Application()
    app.router.add_get("/{rest:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, 0, ssl_context=tls)
        await site.start()
        peer.port = runner.addresses[0][1]
        yield peer
    finally:
        await runner.cleanup()


# --- raw ones -----------------------------------------------------------------------------------------------


def frame(opcode: int, payload: bytes = b"", *, first: int | None = None, mask: bool = False) -> bytes:
    """Return one frame as a server sends it; `first` replaces its first byte, `mask` sets the forbidden bit."""
    size = len(payload)
    bit = 0x80 if mask else 0
    if size < 126:
        length = bytes([size | bit])
    elif size < 2**16:
        length = bytes([126 | bit]) + size.to_bytes(2, "big")
    else:
        length = bytes([127 | bit]) + size.to_bytes(8, "big")
    key = bytes(4) if mask else b""
    return bytes([FINAL | opcode if first is None else first]) + length + key + payload


def answer(key: bytes, *more: bytes, accept: bytes | None = None) -> bytes:
    """Return the right answer to a key, with further header lines, or with an accept value of one's own."""
    right = base64.b64encode(hashlib.sha1(key + GUID).digest())
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + (right if accept is None else accept),
        *more,
    ]
    return b"\r\n".join([*lines, b"", b""])


Answer = Callable[[bytes], bytes]


def raw(reply: Answer = answer, after: bytes = b"", *, close: bool = False) -> Behaviour:
    """Read the handshake, send `reply(key)` and `after` in one piece, then listen, or close at once."""

    async def behave(conversation: Conversation) -> None:
        head = await conversation.reader.readuntil(b"\r\n\r\n")
        conversation.peer.received += head
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        await conversation.send(reply(key[1] if key else b"") + after)
        if not close:
            await conversation.drain_input()

    return behave
